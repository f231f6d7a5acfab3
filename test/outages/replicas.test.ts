import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { call } from '../../src/kube/calls.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import {
  logPath,
  readComponent,
  signalComponent,
  startComponent,
  waitForEnd,
} from '../../src/local-cluster/processes/component.ts';
import { adminClient, startProvider } from '../../src/local-cluster/provider/provider-process.ts';
import { readAuditLog, requestsOfProvider } from '../support/audit.ts';
import { machines, noMachines, watchForTwins } from '../support/cells.ts';
import { toolsOf } from '../support/kubectl.ts';
import { watchHolders } from '../support/lease-holders.ts';
import { watchReadiness } from '../support/node-readiness.ts';
import { pod, webDeployment } from '../support/objects.ts';
import { identities, type PodIdentity } from '../support/pods.ts';
import { endComponent } from '../support/provider.ts';
import { eventually } from '../support/wait.ts';
import { writersInTurn } from '../support/writers.ts';
import { CLUSTER } from './setup.ts';

const tools = toolsOf(CLUSTER);
const { kubectl, tryKubectl, apply, inside } = tools;
const cluster = inject('cluster');
const { paths } = cluster;
const { signal } = new AbortController();

/** Each replica has an address of its own, as pods have; cells reach whoever leads through a load balancer. */
const REPLICAS = { first: '172.30.255.11', second: '172.30.255.12' } as const;
type Replica = keyof typeof REPLICAS;
const NAMES = Object.keys(REPLICAS) as Replica[];
const [NAMESPACE, LEASE] = ['nodeless-system', 'nodeless-nodeless'];
const BALANCER = 'balancer';
const CELL_API_PORT = 8443;
/** A kubelet whose watch was cut asks again soon, and each time that nobody answers it waits longer: up to a minute. */
const HEARD_MS = 60_000;
/** One whose connection has only fallen silent finds that out by a ping: after 30 s of silence, and 15 s more. */
const HEARD_UNCUT_MS = 90_000;
/** When the balancer has long seen that a replica does not answer, and would have cut what is open to it. */
const BALANCER_NOTICES_MS = 5_000;
/** A node whose lease nobody renews is NotReady after 50 s. */
const NODE_GRACE_MS = 55_000;
/** One pod for each succession, made before the first, to be deleted after it. */
const WITNESSES = { killed: 'old-killed', frozen: 'old-frozen', uncut: 'old-uncut' } as const;
/** What a cluster is promised: whatever became of the leader, another leads by then. */
const SUCCESSION_MS = 15_000;
const CHATTY = ['sh', '-c', 'trap exit TERM; i=0; while true; do i=$((i+1)); echo "line $i"; sleep 0.2; done'];

async function startReplica(replica: Replica): Promise<void> {
  const host = REPLICAS[replica];
  const config = {
    virtualNode: { address: host },
    cellApi: { host, port: CELL_API_PORT, advertise: cluster.address },
    kubeletEndpoint: { host },
    webhook: { host },
    logLevel: 'debug',
  };
  const log = () => readFile(logPath(paths, replica), 'utf8').catch(() => '');
  const before = (await log()).length;
  await startProvider({ cluster, signal, replica, config });
  const stands = async () => /"(waiting to lead|leading)"/.test((await log()).slice(before));
  await eventually(`the ${replica} replica leads or waits to`, stands);
}

async function holder(client: KubeClient): Promise<string> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/${LEASE}`;
  const lease = await call<KubeObject>(client, { method: 'GET', path });
  return (lease.spec as { holderIdentity?: string }).holderIdentity ?? '';
}

async function identityOf(replica: Replica): Promise<string> {
  const pid = (await readComponent(paths, replica))?.process.pid;
  return `_${pid}_`;
}

async function leaderOf(client: KubeClient): Promise<Replica> {
  const held = await holder(client);
  for (const replica of NAMES) if (held.includes(await identityOf(replica))) return replica;
  throw new Error(`no replica holds the lease: ${held}`);
}

const other = (replica: Replica): Replica => (replica === 'first' ? 'second' : 'first');

/** Thaws a replica that was frozen as the leader, and waits until it has seen that it is not any more. */
async function wake(replica: Replica): Promise<void> {
  const log = () => readFile(logPath(paths, replica), 'utf8');
  const before = (await log()).length;
  await signalComponent(paths, replica, 'SIGCONT');
  const told = async () => (await log()).slice(before).includes('another replica leads');
  await eventually(`the ${replica} replica has seen that it leads no more`, told, 30_000);
}

/** Until another replica leads, and exec works through it. */
async function succession(client: KubeClient, from: Replica, startedAtMs: number) {
  const next = await eventually(
    'another replica leads',
    async () => {
      const leader = await leaderOf(client).catch(() => undefined);
      return leader !== undefined && leader !== from && leader;
    },
    30_000,
  );
  const ledAfterMs = Date.now() - startedAtMs;
  const alive = async () => (await tryKubectl('exec', 'steady', '--', 'echo', 'alive')).stdout === 'alive';
  await eventually('exec works through it', alive, 30_000);
  return { next, ledAfterMs, servedAfterMs: Date.now() - startedAtMs };
}

/** A kubelet that ran before the succession hears through its own watch that its pod is deleted, and ends it. */
async function heardBy(witness: string, timeoutMs: number): Promise<number> {
  const startedAtMs = Date.now();
  await kubectl('delete', 'pod', witness, '--wait=false', '--grace-period=1');
  const gone = async () => (await tryKubectl('get', 'pod', witness)).stderr.includes('NotFound');
  await eventually(`the kubelet of ${witness} has heard of its deletion`, gone, timeoutMs);
  return Date.now() - startedAtMs;
}

/** Connections that the balancer has open to a replica's cell API. */
async function connectionsTo(replica: Replica): Promise<number> {
  const open = await inside('ss', '-Htn', 'state', 'established', 'dst', `${REPLICAS[replica]}:${CELL_API_PORT}`);
  return open.split('\n').filter(Boolean).length;
}

/** A machine with too much to do may have failed a few probes while there was no leader. */
const allReady = () => kubectl('wait', 'pods', '--all', '--for=condition=Ready', '--timeout=30s');

const notWitnesses = (all: readonly PodIdentity[]) => all.filter(({ name }) => !name.startsWith('old-'));

/** What `kubectl logs -f` writes until there are lines of it. */
async function followLogs(name: string): Promise<string> {
  const following = execa(tools.kubectlPath, ['logs', '-f', '--tail=1', name], {
    env: { KUBECONFIG: tools.kubeconfig },
    reject: false,
    timeout: 20_000,
  });
  let text = '';
  following.stdout.on('data', (chunk: Buffer) => {
    text += String(chunk);
    if (text.split('\n').length > 4) following.kill();
  });
  await following;
  return text;
}

describe('two replicas', () => {
  let client: KubeClient;
  /** The identities of those that have led, in turn. */
  const leaders: string[] = [];
  const beganAt = new Date().toISOString();
  let readiness: ReturnType<typeof watchReadiness>;
  let succeededAtMs = 0;

  beforeAll(async () => {
    client = await adminClient(cluster);
    for (const address of Object.values(REPLICAS)) await inside('ip', 'address', 'add', `${address}/32`, 'dev', 'lo');
    const program = fileURLToPath(new URL('../support/balancer.ts', import.meta.url));
    const targets = Object.values(REPLICAS).flatMap((address) => ['--target', `${address}:${CELL_API_PORT}`]);
    const listen = ['--listen', `${cluster.address}:${CELL_API_PORT}`];
    await startComponent(paths, BALANCER, [process.execPath, program, ...listen, ...targets]);
    for (const replica of NAMES) await startReplica(replica);
    leaders.push(await holder(client));
    await apply(webDeployment('web', 2), pod('steady', { command: CHATTY }));
    await apply(...Object.values(WITNESSES).map((name) => pod(name)));
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s');
    await kubectl('wait', 'pods', '--all', '--for=condition=Ready', '--timeout=90s');
    readiness = watchReadiness(client, 'nodeless');
  });

  afterAll(async () => {
    await readiness?.stop();
    for (const replica of NAMES) await signalComponent(paths, replica, 'SIGCONT');
    try {
      await kubectl('delete', 'deployments,pods', '--all', '--wait', '--grace-period=1');
      await noMachines(CLUSTER, 150_000);
    } finally {
      for (const name of [...NAMES, BALANCER]) await endComponent(CLUSTER, name);
      await client.close();
    }
  });

  test('a leader that is killed is succeeded, and nobody notices', async () => {
    const before = await identities(tools);
    const leader = await leaderOf(client);
    const startedAtMs = Date.now();
    await signalComponent(paths, leader, 'SIGKILL');
    const { ledAfterMs, servedAfterMs } = await succession(client, leader, startedAtMs);
    leaders.push(await holder(client));
    console.log(`killed: another led after ${ledAfterMs} ms, and served after ${servedAfterMs} ms`);
    expect(ledAfterMs).toBeLessThanOrEqual(SUCCESSION_MS);
    expect(await followLogs('steady')).toMatch(/line \d+\nline \d+\n/);
    await allReady();
    expect(await identities(tools)).toEqual(before);
    console.log(`killed: an old kubelet heard of a deletion after ${await heardBy(WITNESSES.killed, HEARD_MS)} ms`);
    await startReplica(leader);
    await allReady();
    expect(notWitnesses(await identities(tools))).toEqual(notWitnesses(before));
  });

  test('a leader that is frozen past its lease is succeeded, writes nothing when it wakes, and waits', async () => {
    const before = await identities(tools);
    const twins = watchForTwins(CLUSTER);
    onTestFinished(async () => void (await twins.stop()));
    const leader = await leaderOf(client);
    // It is frozen in the middle of launches, and wakes in the middle of them.
    await kubectl('scale', 'deployment/web', '--replicas=5');
    await eventually('a launch has begun', async () => (await machines(CLUSTER)).length > before.length);
    const startedAtMs = Date.now();
    await signalComponent(paths, leader, 'SIGSTOP');
    const { next, ledAfterMs, servedAfterMs } = await succession(client, leader, startedAtMs);
    leaders.push(await holder(client));
    console.log(`frozen: another led after ${ledAfterMs} ms, and served after ${servedAfterMs} ms`);
    expect(ledAfterMs).toBeLessThanOrEqual(SUCCESSION_MS);
    expect(await followLogs('steady')).toMatch(/line \d+\nline \d+\n/);
    // The watches of cells have resumed: kubelets that ran before hear of changes, and new ones are served.
    console.log(`frozen: an old kubelet heard of a deletion after ${await heardBy(WITNESSES.frozen, HEARD_MS)} ms`);
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=120s');
    await kubectl('scale', 'deployment/web', '--replicas=4');
    await eventually('a pod has ended', async () => (await machines(CLUSTER)).length === 6, 90_000);
    await kubectl('scale', 'deployment/web', '--replicas=5');
    await wake(leader);
    // What it would still write, it would write now.
    await kubectl('scale', 'deployment/web', '--replicas=2');
    await eventually('pods have ended', async () => (await machines(CLUSTER)).length === 4, 90_000);
    expect(await leaderOf(client)).toBe(next);
    expect(await twins.stop()).toEqual([]);
    await kubectl('wait', 'pod/steady', '--for=condition=Ready', '--timeout=30s');
    const after = await identities(tools);
    const steady = ({ name }: { name: string }) => name === 'steady';
    expect(after.filter(steady)).toEqual(before.filter(steady));
    expect(after.map(({ containers }) => containers.join()).join()).not.toMatch(/restarted [1-9]/);
  });

  test('a leader that is frozen while its connections stay open is left by the kubelets that ran before', async () => {
    await signalComponent(paths, BALANCER, 'SIGUSR1');
    onTestFinished(async () => void (await signalComponent(paths, BALANCER, 'SIGUSR2')));
    const before = await identities(tools);
    const leader = await leaderOf(client);
    await signalComponent(paths, leader, 'SIGSTOP');
    await delay(BALANCER_NOTICES_MS);
    expect(await connectionsTo(leader)).toBeGreaterThan(0);
    const { next } = await succession(client, leader, Date.now());
    leaders.push(await holder(client));
    const heardAfterMs = await heardBy(WITNESSES.uncut, HEARD_UNCUT_MS);
    console.log(`frozen, uncut: an old kubelet heard of a deletion after ${heardAfterMs} ms`);
    await wake(leader);
    expect(await leaderOf(client)).toBe(next);
    await allReady();
    expect(notWitnesses(await identities(tools))).toEqual(notWitnesses(before));
  });

  test('a leader that wakes when its successor has come and gone begins anew, and knows what happened meanwhile', async () => {
    const leader = await leaderOf(client);
    await signalComponent(paths, leader, 'SIGSTOP');
    const { next } = await succession(client, leader, Date.now());
    leaders.push(await holder(client));
    await apply(pod('meanwhile'));
    await kubectl('wait', 'pod/meanwhile', '--for=condition=Ready', '--timeout=60s');
    await allReady();
    const before = await identities(tools);
    await signalComponent(paths, next, 'SIGTERM');
    await waitForEnd(paths, next, 20_000);
    await wake(leader);
    await eventually('it leads again', async () => (await leaderOf(client)) === leader, 30_000);
    leaders.push(await holder(client));
    const alive = async () => (await tryKubectl('exec', 'meanwhile', '--', 'echo', 'alive')).stdout === 'alive';
    await eventually('exec works through it', alive, 30_000);
    await allReady();
    expect(await identities(tools)).toEqual(before);
    await startReplica(next);
  });

  test('a leader that ends in order gives the lease up, so that nobody waits for it', async () => {
    const leader = await leaderOf(client);
    const held = await holder(client);
    const lease = await watchHolders(tools, NAMESPACE, LEASE);
    onTestFinished(() => lease.stop());
    const startedAtMs = Date.now();
    await signalComponent(paths, leader, 'SIGTERM');
    const { next, ledAfterMs } = await succession(client, leader, startedAtMs);
    leaders.push(await holder(client));
    succeededAtMs = Date.now();
    console.log(`ended in order: another led after ${ledAfterMs} ms`);
    await expect.poll(() => lease.holders).toEqual([held, '', leaders.at(-1)]);
    expect(next).toBe(other(leader));
    await startReplica(leader);
  });

  test('have kept the node Ready all the time, and for longer than its grace after the last succession', async () => {
    await delay(Math.max(0, succeededAtMs + NODE_GRACE_MS - Date.now()));
    expect([...(await readiness.stop())]).toEqual(['True']);
  });

  test('never have two written at once, as the audit log has it', async () => {
    const events = requestsOfProvider(await readAuditLog(CLUSTER));
    const turns = writersInTurn(
      events.filter(({ requestReceivedTimestamp = '' }) => requestReceivedTimestamp > beganAt),
    );
    expect(leaders).toHaveLength(7);
    expect(turns.map((agent) => /\((.*)\)$/.exec(agent)?.[1])).toEqual(leaders);
  });
});
