import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toolsOf } from '../support/kubectl.ts';
import { pod, service, WEB_IMAGE } from '../support/objects.ts';
import { eventually } from '../support/wait.ts';
import { CLUSTER } from './global-setup.ts';

const { kubectl, tryKubectl, apply, inside } = toolsOf(CLUSTER);

async function podIp(name: string): Promise<string> {
  return kubectl('get', 'pod', name, '-o', 'jsonpath={.status.podIP}');
}

async function fetchFrom(name: string, url: string): Promise<string> {
  return kubectl('exec', name, '--', 'timeout', '5', 'wget', '-q', '-O', '-', url);
}

describe('the network of cells', () => {
  beforeAll(async () => {
    await apply(
      pod('server', { image: WEB_IMAGE, container: { command: undefined }, metadata: { labels: { app: 'server' } } }),
      pod('client'),
      service('server'),
    );
    await kubectl('wait', 'pod/server', 'pod/client', '--for=condition=Ready', '--timeout=60s');
  });

  afterAll(async () => {
    await kubectl('delete', 'pods,services', '-l', 'app=server', '--wait', '--grace-period=1');
    await kubectl('delete', 'pod', 'client', '--wait', '--grace-period=1');
  });

  test('a pod reaches a pod of another cell by its address', async () => {
    expect(await fetchFrom('client', `http://${await podIp('server')}/`)).toContain('server');
  });

  test('a pod reaches a Service by its name and its address, itself included', async () => {
    const clusterIp = await kubectl('get', 'service', 'server', '-o', 'jsonpath={.spec.clusterIP}');
    const answered = async (from: string, url: string) =>
      eventually(`${from} reaches ${url}`, async () => (await fetchFrom(from, url)).includes('server'), 15_000);
    await answered('client', `http://${clusterIp}/`);
    await answered('client', 'http://server.default.svc.cluster.local/');
    await answered('client', 'http://server/');
    await answered('server', 'http://server/');
  });

  test('the cluster reaches a pod by its address', async () => {
    expect(await inside('curl', '-sf', '--max-time', '5', `http://${await podIp('server')}/`)).toContain('server');
  });

  test('a pod reaches the API server through its Service, with its token', async () => {
    const script =
      'timeout 5 wget -q -O - --no-check-certificate --header "Authorization: Bearer $(cat /var/run/secrets/kubernetes.io/serviceaccount/token)" https://kubernetes.default.svc/version';
    const answer = await tryKubectl('exec', 'client', '--', 'sh', '-c', script);
    expect(answer.stdout).toContain('gitVersion');
  });

  test('nothing leaves the machine: addresses outside, vanished pods and unused Service addresses get no answer and no route out', async () => {
    const routes = await inside('ip', 'route', 'show', 'default');
    expect(routes).toBe('');
    for (const address of ['192.0.2.1', '10.244.255.250', '10.96.255.250']) {
      const answer = await tryKubectl(
        'exec',
        'client',
        '--',
        'timeout',
        '1',
        'wget',
        '-q',
        '-O',
        '-',
        `http://${address}/`,
      );
      expect(answer.exitCode).not.toBe(0);
    }
    for (const address of ['10.244.255.250', '10.96.255.250', '10.200.255.250']) {
      expect(await inside('ip', 'route', 'get', address)).toContain('dev nodeless0');
    }
  });
});
