import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cellProcesses } from '../support/cells.ts';
import { toolsOf } from '../support/kubectl.ts';
import { pod } from '../support/objects.ts';
import { cellApiUrl } from '../support/stolen-cell.ts';
import { CLUSTER } from './global-setup.ts';

const { kubectl, tryKubectl, apply, get } = toolsOf(CLUSTER);

const TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** Status of what is asked from the pod's own network, since the pod has no curl: with its token or with nothing. */
async function ask(url: string, token?: string): Promise<string> {
  const { metadata } = await get<{ metadata: { annotations: Record<string, string> } }>('pod', 'hostile');
  const processes = await cellProcesses(CLUSTER, metadata.annotations['nodeless.io/cell'] ?? '');
  const pid = processes.find(({ command }) => command.includes('trap exit TERM'))?.pid;
  const curl = ['curl', '-sk', '--max-time', '5', '-o', '/dev/null', '-w', '%{http_code}', url];
  const header = token === undefined ? [] : ['-H', `Authorization: Bearer ${token}`];
  const { stdout } = await execa('nsenter', [`--target=${pid}`, '--net', ...curl, ...header], { reject: false });
  return stdout;
}

describe('a hostile pod', () => {
  let cellAddress = '';
  let neighbour = '';
  let provider = '';
  let token = '';

  beforeAll(async () => {
    await apply(pod('hostile'), pod('neighbour'));
    await kubectl('wait', 'pod/hostile', 'pod/neighbour', '--for=condition=Ready', '--timeout=60s');
    const addressOf = async (name: string) => (await get<{ status: { hostIP: string } }>('pod', name)).status.hostIP;
    cellAddress = await addressOf('hostile');
    neighbour = await addressOf('neighbour');
    provider = await cellApiUrl(CLUSTER);
    token = await kubectl('exec', 'hostile', '--', 'cat', TOKEN);
  });

  afterAll(async () => {
    await kubectl('delete', 'pods/hostile', 'pods/neighbour', '--wait', '--grace-period=1');
  });

  test.each([
    '/api/v1/pods?fieldSelector=spec.nodeName%3Dnodeless',
    '/api/v1/namespaces/default/secrets/any',
    '/apis/certificates.k8s.io/v1/certificatesigningrequests',
  ])('gets nothing from the cell API, with its token or without (%s)', async (path) => {
    expect(await ask(provider + path)).toBe('401');
    expect(['401', '403']).toContain(await ask(provider + path, token));
  });

  test('gets nothing from the kubelet of its own cell, of another, or of the virtual node', async () => {
    for (const host of [cellAddress, neighbour]) {
      expect(await ask(`https://${host}:10250/pods`)).toBe('401');
      expect(await ask(`https://${host}:10250/pods`, token)).toBe('401');
    }
    const endpoint = provider.replace('8443', '10250');
    expect(await ask(`${endpoint}/pods`)).toBe('401');
    expect(await ask(`${endpoint}/pods`, token)).toBe('403');
  });

  test('finds no kubelet without authentication (10255), and no runtime of its cell', async () => {
    expect(await ask(`http://${cellAddress}:10255/pods`)).toBe('000');
    const { stderr } = await tryKubectl('exec', 'hostile', '--', 'ls', '/run/containerd');
    expect(stderr).toContain('No such file or directory');
  });
});
