import { rm } from 'node:fs/promises';
import { afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { machines, noMachines, watchForTwins } from '../support/cells.ts';
import { toolsOf } from '../support/kubectl.ts';
import { ON_CELLS, pod } from '../support/objects.ts';
import { identities, type Pod } from '../support/pods.ts';
import { killProvider, reconfigure, startProviderAgain } from '../support/provider.ts';
import { eventually } from '../support/wait.ts';
import { CLUSTER } from './global-setup.ts';

const tools = toolsOf(CLUSTER);
const { kubectl, tryKubectl, apply, get } = tools;

const SERVE = [
  'sh',
  '-c',
  'trap exit TERM; hostname > /tmp/index.html; httpd -p 8080 -h /tmp; while true; do sleep 1; done',
];

function onHostOf(app: string): Record<string, unknown> {
  const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app } } };
  return { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
}

/** A controller whose pods are as `pod` makes them. */
function controller(
  kind: 'Deployment' | 'StatefulSet' | 'DaemonSet',
  name: string,
  shape: Parameters<typeof pod>[1],
  more = {},
) {
  const { spec } = pod(name, shape) as { spec: object };
  const labels = { app: name };
  const others = (shape?.metadata?.labels ?? {}) as object;
  const annotations = shape?.metadata?.annotations ?? {};
  const template = { metadata: { labels: { ...others, ...labels }, annotations }, spec };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name },
    spec: { selector: { matchLabels: labels }, template, ...more },
  };
}

async function podsOf(app: string): Promise<readonly Pod[]> {
  return (await get<{ items: Pod[] }>('pods', '-l', `app=${app}`)).items;
}

async function cellsOf(app: string): Promise<readonly string[]> {
  return [...new Set((await podsOf(app)).map(({ metadata }) => metadata.annotations?.['nodeless.io/cell'] ?? ''))];
}

async function events(name: string): Promise<string> {
  const format = '{range .items[*]}{.reason}: {.message}{"\\n"}{end}';
  return kubectl('get', 'events', '--field-selector', `involvedObject.name=${name}`, '-o', `jsonpath=${format}`);
}

/** The node cell takes stateful pods as long as these tests run. */
beforeAll(async () => {
  const restore = await reconfigure(CLUSTER, { routing: { statefulPlacement: 'node-cell' } });
  await killAndStart();
  return async () => {
    await restore();
    await killAndStart();
  };
});

async function killAndStart(): Promise<void> {
  await killProvider(CLUSTER);
  await startProviderAgain(CLUSTER);
}

afterEach(async () => {
  await kubectl('delete', 'deployments,statefulsets,daemonsets,pods', '--all', '--wait', '--grace-period=1');
  await noMachines(CLUSTER);
});

describe('pods that must be on one host', () => {
  test('run on one cell, reach each other, are found again by a provider that was killed, and are joined by others', async () => {
    const twins = watchForTwins(CLUSTER);
    onTestFinished(async () => void (await twins.stop()));
    await apply(controller('Deployment', 'twin', { command: SERVE, spec: onHostOf('twin') }, { replicas: 3 }));
    await killAndStart();
    await kubectl('rollout', 'status', 'deployment/twin', '--timeout=90s');
    expect(await machines(CLUSTER)).toHaveLength(1);
    expect(await cellsOf('twin')).toHaveLength(1);
    const addresses = await kubectl('get', 'pods', '-l', 'app=twin', '-o', 'jsonpath={.items[*].status.podIP}');
    const hosts = await kubectl('get', 'pods', '-l', 'app=twin', '-o', 'jsonpath={.items[*].status.hostIP}');
    expect(new Set(hosts.split(' ')).size).toBe(1);
    const names = (await podsOf('twin')).map(({ metadata }) => metadata.name);
    for (const address of addresses.split(' ')) {
      const page = await kubectl('exec', names[0] ?? '', '--', 'wget', '-qO-', `http://${address}:8080/`);
      expect(names).toContain(page);
    }
    const before = await identities(tools);
    await killAndStart();
    await kubectl('scale', 'deployment/twin', '--replicas=4');
    await kubectl('rollout', 'status', 'deployment/twin', '--timeout=90s');
    expect(await machines(CLUSTER)).toHaveLength(1);
    expect(await identities(tools)).toEqual(expect.arrayContaining([...before]));
    expect(await twins.stop()).toEqual([]);
  });

  test('that have no room left wait with an event, and get it when one goes', async () => {
    await apply(pod('cache', { metadata: { labels: { app: 'cache' } } }));
    await kubectl('wait', 'pod/cache', '--for=condition=Ready', '--timeout=60s');
    const [cell] = await cellsOf('cache');
    for (const name of ['web-1', 'web-2']) {
      const container = { resources: { requests: { cpu: '50m', memory: '128Mi' } } };
      await apply(pod(name, { metadata: { labels: { app: 'web' } }, spec: onHostOf('cache'), container }));
    }
    const waits = await eventually('one of them waits', async () => {
      for (const name of ['web-1', 'web-2']) if ((await events(name)).includes('NoRoom')) return name;
      return undefined;
    });
    expect(await events(waits)).toMatch(
      /NoRoom: cell-\w+ of default\/cache, which it must be on one machine with, has no room/,
    );
    const runs = waits === 'web-1' ? 'web-2' : 'web-1';
    await kubectl('wait', `pod/${runs}`, '--for=condition=Ready', '--timeout=60s');
    await kubectl('delete', 'pod', runs, '--wait', '--grace-period=1');
    await kubectl('wait', `pod/${waits}`, '--for=condition=Ready', '--timeout=60s');
    expect(await cellsOf('web')).toEqual([cell]);
    expect(await machines(CLUSTER)).toHaveLength(1);
  });

  test('and that fit no machine are told so, and cost none', async () => {
    const container = { resources: { requests: { cpu: '300' } } };
    await apply(controller('Deployment', 'vast', { spec: onHostOf('vast'), container }, { replicas: 2 }));
    const [first] = await eventually('both', async () =>
      (await podsOf('vast')).length === 2 ? podsOf('vast') : undefined,
    );
    const name = first?.metadata.name ?? '';
    await eventually('the event', async () => /NoOffering: no offering fits 300 cpu/.test(await events(name)));
    expect(await machines(CLUSTER)).toHaveLength(0);
  });
});

/** A cell of this machine has this machine's files. */
const DATA = '/var/tmp/nodeless-e2e-data';

const TIED = { volumes: [{ name: 'data', hostPath: { path: DATA, type: 'DirectoryOrCreate' } }] };

/** What routing writes with `statefulPlacement: node-cell`; it is kept from deciding otherwise here. */
const ON_NODE_CELL = {
  labels: { 'nodeless.io/placement': 'ignore' },
  annotations: { 'nodeless.io/decision': 'node-cell: host-path (spec.volumes "data")' },
};

describe('the node cell', () => {
  test('keeps a StatefulSet’s hostPath data over a restart of its pod, while the provider is killed, and ends in the end', async () => {
    await rm(DATA, { recursive: true, force: true });
    onTestFinished(() => rm(DATA, { recursive: true, force: true }));
    const command = [
      'sh',
      '-c',
      'trap exit TERM; cat /data/*; hostname >> /data/log; date >> /data/log; while true; do sleep 1; done',
    ];
    const container = { volumeMounts: [{ name: 'data', mountPath: '/data' }] };
    await apply(
      controller(
        'StatefulSet',
        'kept',
        { command, spec: TIED, container, metadata: ON_NODE_CELL },
        { serviceName: 'kept' },
      ),
    );
    await kubectl('rollout', 'status', 'statefulset/kept', '--timeout=60s');
    const read = () => kubectl('exec', 'kept-0', '--', 'cat', '/data/log');
    const first = await read();
    expect(first).toContain('kept-0');
    const cell = await cellsOf('kept');
    const { uid } = (await get<Pod>('pod', 'kept-0')).metadata;
    await kubectl('delete', 'pod', 'kept-0', '--wait=false', '--grace-period=1');
    await killAndStart();
    // A kubelet whose provider was away may take a minute to ask it again.
    await eventually('a new pod', async () => (await get<Pod>('pod', 'kept-0')).metadata.uid !== uid);
    await kubectl('rollout', 'status', 'statefulset/kept', '--timeout=120s');
    expect(await cellsOf('kept')).toEqual(cell);
    expect((await read()).startsWith(first)).toBe(true);
    expect(await machines(CLUSTER)).toHaveLength(1);
    expect(await kubectl('get', 'cells')).toContain('default/kept-0');
  });

  test('runs a DaemonSet whose policy says so, beside others, and not more than it has room for', async () => {
    const agent = controller('DaemonSet', 'agent', {});
    const annotations = { 'nodeless.io/daemonset-policy': 'node-cell' };
    await apply({ ...agent, metadata: { name: 'agent', annotations } });
    await kubectl('rollout', 'status', 'daemonset/agent', '--timeout=60s');
    const container = { resources: { requests: { cpu: '980m' } } };
    await apply(pod('big', { container, spec: TIED, metadata: ON_NODE_CELL }));
    await eventually('it waits', async () =>
      /NoRoom: the node cell, cell-\w+, has no room for 980m/.test(await events('big')),
    );
    await kubectl('delete', 'daemonset', 'agent', '--wait');
    await kubectl('wait', 'pod/big', '--for=condition=Ready', '--timeout=60s');
    expect(await machines(CLUSTER)).toHaveLength(1);
  });
});

describe('a DaemonSet', () => {
  test('is absorbed unless it says otherwise: Ready, without a machine, and its logs say why there are none', async () => {
    await apply(controller('DaemonSet', 'absorbed', { spec: ON_CELLS }));
    await kubectl('rollout', 'status', 'daemonset/absorbed', '--timeout=30s');
    await killAndStart();
    const [one] = await podsOf('absorbed');
    const name = one?.metadata.name ?? '';
    const why = 'DaemonSet absorbed is absorbed: its pod is reported Ready here and runs nowhere';
    for (const args of [
      ['logs', name],
      ['exec', name, '--', 'true'],
    ]) {
      await eventually('it says why', async () => (await tryKubectl(...args)).stderr.includes(why));
    }
    expect(await machines(CLUSTER)).toHaveLength(0);
    await kubectl('delete', 'pod', name, '--wait', '--timeout=20s');
    await kubectl('rollout', 'status', 'daemonset/absorbed', '--timeout=30s');
    await kubectl('delete', 'daemonset', 'absorbed', '--wait', '--cascade=foreground', '--timeout=30s');
    expect(await podsOf('absorbed')).toEqual([]);
  });
});

test('controllers deleted in the middle of a launch leave nothing', async () => {
  await apply(controller('Deployment', 'brief', { spec: onHostOf('brief') }, { replicas: 3 }));
  await apply(controller('StatefulSet', 'short', { spec: TIED, metadata: ON_NODE_CELL }, { serviceName: 'short' }));
  const annotations = { 'nodeless.io/daemonset-policy': 'node-cell' };
  await apply({ ...controller('DaemonSet', 'daemon', {}), metadata: { name: 'daemon', annotations } });
  await eventually('one is launched', async () => (await machines(CLUSTER)).length > 0);
  const all = ['deployment/brief', 'statefulset/short', 'daemonset/daemon'];
  await kubectl('delete', ...all, '--wait', '--cascade=foreground', '--timeout=60s');
  await noMachines(CLUSTER);
});
