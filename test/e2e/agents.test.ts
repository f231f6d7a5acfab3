import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { cellProcesses, machines, noMachines } from '../support/cells.ts';
import { toolsOf } from '../support/kubectl.ts';
import { nodeless, startNodeless } from '../support/nodeless.ts';
import { BUSYBOX_IMAGE, ON_CELLS, pod } from '../support/objects.ts';
import { identities, type Pod } from '../support/pods.ts';
import { killProvider, startProviderAgain } from '../support/provider.ts';
import { eventually } from '../support/wait.ts';
import { CLUSTER } from './global-setup.ts';

const tools = toolsOf(CLUSTER);
const { kubectl, tryKubectl, apply, get } = tools;
const SYSTEM = 'kube-system';
/** A cell of this machine has this machine's files: the agent is ready when there is one. */
const GATE = '/var/tmp/nodeless-e2e-agent-gate';
/** What only the agent's own process has on its command line. */
const MARK = 'nodeless-e2e-agent';

interface Shape {
  readonly command?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly namespace?: string;
  readonly container?: object;
}

/** A DaemonSet on the host's network that says in its log what it has of its ConfigMap, token and address. */
function agent({ command, annotations = {}, namespace = SYSTEM, container = {} }: Shape = {}): object {
  const name = 'e2e-agent';
  const labels = { app: name };
  const token = '/var/run/secrets/kubernetes.io/serviceaccount/token';
  const says = `echo word=$(cat /config/word) token=$(cut -c1-3 ${token}) ip=$HOST_IP`;
  const loop = `trap exit TERM; while true; do sleep 1; done # ${MARK}`;
  const main = {
    name: 'main',
    image: BUSYBOX_IMAGE,
    command: ['sh', '-c', command ?? `${says}; ${loop}`],
    env: [{ name: 'HOST_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } }],
    resources: { requests: { cpu: '20m', memory: '16Mi' } },
    volumeMounts: [
      { name: 'config', mountPath: '/config' },
      { name: 'gate', mountPath: '/gate' },
    ],
    ...container,
  };
  const volumes = [
    { name: 'config', configMap: { name } },
    { name: 'gate', hostPath: { path: GATE, type: 'DirectoryOrCreate' } },
  ];
  const spec = { ...ON_CELLS, hostNetwork: true, terminationGracePeriodSeconds: 1, containers: [main], volumes };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace, annotations: { 'nodeless.io/daemonset-policy': 'inject', ...annotations } },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}

const CONFIG_MAP = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'e2e-agent', namespace: SYSTEM },
  data: { word: 'hello' },
};

async function agentPod(): Promise<Pod | undefined> {
  const { items } = await get<{ items: Pod[] }>('pods', '-n', SYSTEM, '-l', 'app=e2e-agent');
  return items[0];
}

async function message(): Promise<string> {
  const format = '{.items[0].status.conditions[?(@.type=="nodeless.io/CellReady")].message}';
  return kubectl('get', 'pods', '-n', SYSTEM, '-l', 'app=e2e-agent', '-o', `jsonpath=${format}`);
}

async function events(namespace: string, reason: string): Promise<string> {
  const format = '{range .items[*]}{.involvedObject.name}: {.message}{"\\n"}{end}';
  return kubectl('get', 'events', '-n', namespace, '--field-selector', `reason=${reason}`, '-o', `jsonpath=${format}`);
}

const logOn = (cellId: string) => nodeless(tools, 'cells', 'logs', cellId, 'e2e-agent');
/** Follows the log on a cell: its lines come though the agent goes on. */
async function followed(cellId: string): Promise<void> {
  const following = startNodeless(tools.kubeconfig, ['cells', 'logs', '-f', cellId, 'e2e-agent']);
  const first = await Promise.race([once(following.stdout, 'data'), following]);
  expect(String(first)).toMatch(/^word=hello/);
  following.kill();
  // It was there to be ended, and not done with what had been written.
  expect(await following).toMatchObject({ signal: 'SIGTERM', stderr: '' });
}

const cellIds = async () => (await machines(CLUSTER)).map(({ cellId }) => cellId);
const rollout = () => kubectl('rollout', 'status', '-n', SYSTEM, 'daemonset/e2e-agent', '--timeout=60s');
const becomesReady = (name: string) => kubectl('wait', `pod/${name}`, '--for=condition=Ready', '--timeout=60s');

/** Cells in which the agent's process runs. */
async function cellsWithProcess(): Promise<readonly string[]> {
  const found = await Promise.all(
    (await cellIds()).map(async (cellId) => {
      const runs = (await cellProcesses(CLUSTER, cellId)).some(({ command }) => command.includes(MARK));
      return runs ? [cellId] : [];
    }),
  );
  return found.flat();
}

beforeEach(async () => void (await apply(CONFIG_MAP)));
afterEach(async () => {
  await kubectl('delete', 'pods,daemonsets', '--all', '--wait', '--grace-period=1');
  await kubectl(
    'delete',
    '-n',
    SYSTEM,
    'daemonset/e2e-agent',
    'configmap/e2e-agent',
    '--ignore-not-found',
    '--cascade=foreground',
    '--timeout=60s',
  );
  await noMachines(CLUSTER);
  await rm(GATE, { recursive: true, force: true });
});

describe('an agent', () => {
  test('runs on every cell with its ConfigMap and token, is kept by a killed provider, and keeps no cell', async () => {
    await apply(pod('early'));
    await becomesReady('early');
    await apply(agent());
    await apply(pod('late-1'), pod('late-2'));
    for (const name of ['late-1', 'late-2']) await becomesReady(name);
    await eventually('it is on all', async () => (await message()).includes('Ready on 3 of 3 cells'));
    await rollout();
    const logs = await Promise.all((await cellIds()).map(logOn));
    const addresses = logs.map((log) => /^word=hello token=eyJ ip=([\d.]+)$/.exec(log)?.[1]);
    expect(new Set(addresses).size).toBe(3);
    expect(addresses).not.toContain(undefined);
    const name = (await agentPod())?.metadata.name ?? '';
    const { stderr } = await tryKubectl('logs', '-n', SYSTEM, name);
    expect(stderr).toContain(`\`nodeless cells logs CELL ${name} -n ${SYSTEM}\` reads its logs on one of them`);
    expect((await nodeless(tools, 'cells')).split('\n')).toHaveLength(4);
    await followed((await cellIds())[0] ?? '');

    const before = await identities(tools);
    await killProvider(CLUSTER);
    await startProviderAgain(CLUSTER);
    await apply(pod('later'));
    await becomesReady('later');
    // Kubelets may take half a minute to come back, and ten seconds more to tell.
    await eventually('it is on all again', async () => (await message()).includes('Ready on 4 of 4 cells'), 120_000);
    expect(await identities(tools)).toEqual(expect.arrayContaining([...before]));
    const { uid } = (await agentPod())?.metadata ?? {};
    const again = await Promise.all((await cellIds()).map(logOn));
    // One line each: no container was started twice.
    expect(again.filter((log) => log.split('\n').length === 1)).toHaveLength(4);

    await kubectl('delete', 'pods', '--all', '--wait', '--grace-period=1');
    await noMachines(CLUSTER);
    await eventually('it needs none', async () => (await message()).includes('Ready on 0 of 0 cells'));
    expect((await agentPod())?.metadata.uid).toBe(uid);
  }, 300_000);

  test('that fails is told with its reason, and touches no pod unless it is required', async () => {
    await apply(agent({ command: 'echo no; exit 3' }));
    await apply(pod('user'));
    await becomesReady('user');
    await eventually('it is told', async () =>
      /Ready on 0 of 1 cells; cell-\w+: (CrashLoopBackOff|Error)/.test(await message()),
    );
    const ready = '{.items[0].status.conditions[?(@.type=="Ready")].status}';
    const isReady = () => kubectl('get', 'pods', '-n', SYSTEM, '-l', 'app=e2e-agent', '-o', `jsonpath=${ready}`);
    await eventually('it is not Ready', async () => (await isReady()) === 'False');
    const [cellId = ''] = await cellIds();
    // A kubelet clears its dead containers away, and has no log in between.
    await eventually('its log', async () => (await logOn(cellId)) === 'no');
    expect((await get<Pod>('pod', 'user')).status?.containerStatuses?.[0]?.restartCount).toBe(0);
  });

  test('that is required is waited for, and the pod is told so', async () => {
    const container = { readinessProbe: { exec: { command: ['test', '-f', '/gate/open'] }, periodSeconds: 1 } };
    await apply(agent({ annotations: { 'nodeless.io/agent-required': 'true' }, container }));
    await apply(pod('user'));
    const told = /user: cell-\w+ is there, but not its required agents: kube-system\/e2e-agent \(starting\)/;
    await eventually('the pod is told', async () => told.test(await events('default', 'AgentNotReady')));
    expect((await get<Pod>('pod', 'user')).status?.containerStatuses).toBeUndefined();
    await writeFile(`${GATE}/open`, '');
    await becomesReady('user');
  });

  test('that is deleted in the middle of its starts leaves nothing, and pods notice nothing', async () => {
    await apply(pod('user-1'), pod('user-2'));
    await eventually('a cell comes', async () => (await machines(CLUSTER)).length > 0);
    await apply(agent());
    await eventually('it is in a cell', async () => (await cellsWithProcess()).length > 0);
    await kubectl('delete', '-n', SYSTEM, 'daemonset/e2e-agent', '--cascade=foreground', '--timeout=40s');
    expect(await agentPod()).toBeUndefined();
    for (const name of ['user-1', 'user-2']) await becomesReady(name);
    await eventually('no process is left', async () => (await cellsWithProcess()).length === 0, 10_000);
    expect(await cellIds()).toHaveLength(2);
  });

  test('is none by a DaemonSet of a namespace that is not configured, which is told so', async () => {
    onTestFinished(() => kubectl('delete', 'configmap', 'e2e-agent', '--ignore-not-found').then(() => undefined));
    await apply({ ...CONFIG_MAP, metadata: { name: 'e2e-agent' } }, agent({ namespace: 'default' }), pod('user'));
    await becomesReady('user');
    const told = /which those of namespace default may not have; an operator adds it to cells.agents.namespaces/;
    await eventually('it is told', async () => told.test(await events('default', 'AgentDenied')));
    expect(await cellsWithProcess()).toEqual([]);
  });
});
