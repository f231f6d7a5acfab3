import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { logPath, readComponent } from '../../src/local-cluster/processes/component.ts';
import { PROVIDER } from '../../src/local-cluster/provider/provider-process.ts';
import { clusterPaths } from '../../src/local-cluster/state.ts';
import { cellProcesses } from '../support/cells.ts';
import { disclosures, environmentsOf, watchCommandLines } from '../support/disclosure.ts';
import { toolsOf } from '../support/kubectl.ts';
import { pod } from '../support/objects.ts';
import { type StolenCell, stealCell } from '../support/stolen-cell.ts';
import { eventually } from '../support/wait.ts';
import { CLUSTER } from './global-setup.ts';

const { kubectl, apply } = toolsOf(CLUSTER);
const paths = clusterPaths({ name: CLUSTER });
const MACHINE_LOGS = ['console.log', 'containerd.log', 'kubelet.log'];
const OBJECTS = 'events,pods,nodes,cells,leases,configmaps,certificatesigningrequests';

function canary(): string {
  return `canary-${randomBytes(16).toString('hex')}`;
}

const canaries = { env: canary(), volume: canary(), 'pull password': canary() };

/** A Secret through kubectl's standard input: on its command line, the test itself would disclose it. */
function secret(name: string, type: string, stringData: Record<string, string>): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, type, stringData };
}

const pullSecret = JSON.stringify({
  auths: { 'registry.invalid': { username: 'user', password: canaries['pull password'] } },
});

/** The cell's own processes: its supervisor, containerd, kubelet and what they run; not those of its containers. */
async function ownProcesses(cell: StolenCell): Promise<readonly { pid: number; command: string }[]> {
  const processes = await cellProcesses(CLUSTER, cell.id);
  const cgroups = await Promise.all(
    processes.map(({ pid }) => readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')),
  );
  return processes.filter((_, index) => !cgroups[index]?.includes('/kubepods/'));
}

async function providerToken(): Promise<string> {
  const file = join(paths.kubeconfigDir, `${PROVIDER}.yaml`);
  const { users } = parse(await readFile(file, 'utf8')) as { users: { user: { token: string } }[] };
  return users[0]?.user.token ?? '';
}

async function authorityKey(): Promise<string> {
  const key = ['get', 'secret', 'nodeless-authority', '-n', 'nodeless-system', '-o', 'jsonpath={.data.tls\\.key}'];
  return Buffer.from(await kubectl(...key), 'base64').toString();
}

describe('secrets', () => {
  const cells: StolenCell[] = [];
  let commandLines = '';
  let secrets: Record<string, string> = {};

  beforeAll(async () => {
    const watching = watchCommandLines();
    await apply(
      secret('words', 'Opaque', { env: canaries.env, volume: canaries.volume }),
      secret('pull', 'kubernetes.io/dockerconfigjson', { '.dockerconfigjson': pullSecret }),
    );
    const spec = {
      imagePullSecrets: [{ name: 'pull' }],
      volumes: [{ name: 'words', secret: { secretName: 'words', items: [{ key: 'volume', path: 'volume' }] } }],
    };
    const container = {
      env: [{ name: 'WORD', valueFrom: { secretKeyRef: { name: 'words', key: 'env' } } }],
      volumeMounts: [{ name: 'words', mountPath: '/words' }],
    };
    await apply(pod('keeper', { spec, container }), pod('puller', { spec, image: 'registry.invalid/none:1' }));
    await kubectl('wait', 'pod/keeper', '--for=condition=Ready', '--timeout=60s');
    const reason = ['get', 'pod', 'puller', '-o', 'jsonpath={.status.containerStatuses[0].state.waiting.reason}'];
    await eventually('a pull with the password has failed', async () => (await kubectl(...reason)).includes('Pull'));
    commandLines = await watching.stop();
    for (const name of ['keeper', 'puller']) cells.push(await stealCell(CLUSTER, name));
    secrets = {
      ...canaries,
      ...Object.fromEntries(cells.map(({ id, identity }) => [`token of ${id}`, identity.token ?? ''])),
      ...Object.fromEntries(cells.map(({ id, identity }) => [`key of ${id}`, keyIn(identity.key ?? '')])),
      "the provider's token": await providerToken(),
      "the authority's key": await authorityKey(),
      "the pod's token": await kubectl(
        'exec',
        'keeper',
        '--',
        'cat',
        '/var/run/secrets/kubernetes.io/serviceaccount/token',
      ),
    };
    for (const [name, value] of Object.entries(secrets)) expect(value.length, name).toBeGreaterThan(20);
  });

  afterAll(async () => {
    await kubectl('delete', 'pods/keeper', 'pods/puller', '--wait', '--grace-period=1');
    await kubectl('delete', 'secrets/words', 'secrets/pull');
  });

  test('are where they are meant to be, and are found there', async () => {
    expect(await kubectl('exec', 'keeper', '--', 'cat', '/words/volume')).toBe(canaries.volume);
    const [keeper] = cells;
    const processes = await cellProcesses(CLUSTER, keeper?.id ?? '');
    const main = processes.filter(({ command }) => command.includes('trap exit TERM')).map(({ pid }) => pid);
    expect(disclosures(secrets, { 'the container': await environmentsOf(main) })).toEqual(['env in the container']);
    const objects = { secrets: await kubectl('get', 'secrets', '-A', '-o', 'json') };
    expect(disclosures(canaries, objects)).toHaveLength(3);
  });

  test('are not in the provider’s log, at its most talkative', async () => {
    const log = await readFile(logPath(paths, PROVIDER), 'utf8');
    expect(log).toContain('"level":20');
    expect(log).toContain(cells[0]?.id);
    expect(disclosures(secrets, { log })).toEqual([]);
  });

  test('are not in any object but Secrets: events, pods, nodes, Cells, requests', async () => {
    const objects = await kubectl('get', OBJECTS, '-A', '-o', 'json');
    expect(objects).toContain('"reason": "CellReady"');
    expect(objects).toContain('"kind": "Cell"');
    expect(disclosures(secrets, { objects })).toEqual([]);
  });

  test('are on no command line, also while a cell boots', () => {
    expect(commandLines).toContain('/kubelet --config=');
    expect(commandLines).toContain('bootstrap.sh');
    expect(disclosures(secrets, { commandLines })).toEqual([]);
  });

  test('are not in the environment of kubelet, containerd, supervisor or provider', async () => {
    const own = (await Promise.all(cells.map(ownProcesses))).flat();
    for (const program of ['kubelet', 'containerd', 'supervise.sh']) {
      expect(own.filter(({ command }) => command.includes(program)).length, program).toBeGreaterThanOrEqual(2);
    }
    const provider = (await readComponent(paths, PROVIDER))?.process.pid ?? 0;
    const environments = await environmentsOf([provider, ...own.map(({ pid }) => pid)]);
    expect(environments).toContain('PATH=');
    expect(disclosures(secrets, { environments })).toEqual([]);
  });

  test('are neither in what the cloud knows of a cell, nor in the logs of its machine', async () => {
    const files = MACHINE_LOGS.map((name) => join('machine', name));
    for (const { folder, id } of cells) {
      const names = ['cell.json', 'machine/machine.json', ...files];
      const texts = await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')]));
      expect(Object.fromEntries(texts)['cell.json']).toContain(id);
      expect(disclosures(secrets, Object.fromEntries(texts))).toEqual([]);
    }
  });

  test('of a pod are on its cell’s disk in containerd’s own records alone, behind a folder that is root’s', async () => {
    const [keeper] = cells as [StolenCell];
    const files = await filesWith(keeper, canaries.env);
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => !file.includes('/machine/containerd/'))).toEqual([]);
    expect(await filesWith(keeper, canaries.volume)).toEqual([]);
    expect(await filesWith(keeper, canaries['pull password'])).toEqual([]);
    expect((await stat(keeper.folder)).mode & 0o777).toBe(0o700);
  });
});

/** The files of a cell's folder, as the host sees it, that have a text. */
async function filesWith(cell: StolenCell, text: string): Promise<readonly string[]> {
  const { stdout } = await execa(
    'grep',
    ['--recursive', '--files-with-matches', '--fixed-strings', text, cell.folder],
    {
      reject: false,
    },
  );
  return stdout.split('\n').filter(Boolean);
}

/** The key alone of a file that holds a certificate too. */
function keyIn(pem: string): string {
  return pem.slice(pem.search(/-----BEGIN [A-Z ]*PRIVATE KEY-----/));
}
