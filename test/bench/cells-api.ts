import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import type { BenchContext, Benchmark, BenchResult } from './benchmark.ts';
import { Changes, deliveryOf, type Seen, type Sent, together, watchDirectly } from './cells-changes.ts';
import { type HollowCluster, withHollowCells } from './cells-cluster.ts';
import { type CellsFinding, type Changing, figuresOf, growthFigures } from './cells-findings.ts';
import { ENDPOINTS_PER_SERVICE, layGround, podNames, readyPods, SERVICES, scaleTo } from './cells-ground.ts';
import { cpuPercentDuring } from './cells-process.ts';
import { until } from './cluster.ts';
import { watchesPerMachine } from './hollow/kubelet.ts';
import type { ProcessMemory } from './hollow/process-memory.ts';

const SIZES = [1, 10, 100, 1_000] as const;
const CONFIG = {
  virtualNode: { capacity: { cpu: '1024', memory: '4Ti', pods: '1100', 'ephemeral-storage': '10Ti' } },
  cells: { concurrency: 64 },
};
const START_TIMEOUT_MS = 240_000;
const SETTLE_MS = 5_000;
const REST_MS = 20_000;
/** What has not arrived by then after the last change is lost, not late. */
const ARRIVAL_TIMEOUT_MS = 60_000;
const ARRIVAL_POLL_MS = 1_000;
const RATES = { slicesPerSecond: 10, podsPerSecond: 5 };
const PROFILE_SECONDS = 5;
const READ_BY_CELLS =
  /resource="(pods|nodes|services|endpointslices|servicecidrs|csidrivers|runtimeclasses|configmaps|secrets)"/;
const SLICES = '/apis/discovery.k8s.io/v1/endpointslices';

const KINDS = ['slice', 'pod'] as const;
/** How many watches each kind of change has to reach. */
type Watches = Readonly<Record<(typeof KINDS)[number], number>>;

/** How many cells there are, and whether each has a kube-proxy. */
interface Load {
  readonly cells: number;
  readonly proxied: boolean;
}

/** Watches of what cells read that the API server serves now, to everybody. */
async function upstreamWatches({ client }: HollowCluster, signal: AbortSignal): Promise<number> {
  const { body } = await client.request({ method: 'GET', path: '/metrics', signal });
  const lines = body.toString('utf8').split('\n');
  const watches = lines.filter(
    (line) =>
      line.startsWith('apiserver_longrunning_requests{') && line.includes('verb="WATCH"') && READ_BY_CELLS.test(line),
  );
  return watches.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}

async function untilWatching({ cloud }: HollowCluster, { cells, proxied }: Load, signal: AbortSignal): Promise<void> {
  const wanted = cells * watchesPerMachine(proxied);
  const what = `${wanted} watches of ${cells} cells`;
  const check = async () => (await cloud.call<{ watches: number }>('state')).watches === wanted;
  await until(what, check, { signal, timeoutMs: START_TIMEOUT_MS });
}

/** Collects who has seen what was sent, until all of it has reached every watch or the time is over. */
async function arrived({ cloud }: HollowCluster, sent: Sent, watches: Watches, signal: AbortSignal): Promise<Seen> {
  const deadlineMs = Date.now() + ARRIVAL_TIMEOUT_MS;
  for (let seen: Seen = {}; ; await systemClock.sleep(ARRIVAL_POLL_MS, signal)) {
    seen = together(seen, await cloud.call<Seen>('arrivals'));
    const missing = KINDS.some((kind) => deliveryOf(kind, sent, seen, watches[kind]).incomplete > 0);
    if (!missing || Date.now() > deadlineMs) return seen;
  }
}

/** Makes changes for a while and collects who has seen them. */
async function change(
  cluster: HollowCluster,
  changes: Changes,
  { cells, proxied }: Load,
  signal: AbortSignal,
): Promise<Changing> {
  const { client, cloud, pids } = cluster;
  const names = await podNames(client, signal);
  let sent: Sent = new Map();
  const watching = new AbortController();
  const both = AbortSignal.any([signal, watching.signal]);
  const arrivals = await watchDirectly(client, SLICES, both);
  try {
    await cloud.call('arrivals');
    const percent = await cpuPercentDuring(pids, async () => {
      sent = await changes.make(RATES, names, REST_MS);
    });
    const watches = { slice: proxied ? cells : 0, pod: 1 };
    const seen = await arrived(cluster, sent, watches, signal);
    return {
      providerPercent: percent.provider,
      cloudPercent: percent.cloud,
      slices: deliveryOf('slice', sent, seen, watches.slice),
      pods: deliveryOf('pod', sent, seen, watches.pod),
      direct: deliveryOf('slice', sent, arrivals.take(), 1),
    };
  } finally {
    watching.abort();
  }
}

/** Adds cells until there are so many, and waits until all of them are there. */
async function grow(cluster: HollowCluster, cells: number, signal: AbortSignal): Promise<void> {
  const { client } = cluster;
  await scaleTo(client, cells, signal);
  const check = async () => (await readyPods(client, signal)) === cells;
  await until(`${cells} Ready pods`, check, { signal, timeoutMs: START_TIMEOUT_MS });
  await untilWatching(cluster, { cells, proxied: false }, signal);
}

async function profile({ client, provider }: HollowCluster, changes: Changes, file: string, signal: AbortSignal) {
  const profiled = provider.call('profile', { seconds: PROFILE_SECONDS, file });
  await changes.make(RATES, await podNames(client, signal), PROFILE_SECONDS * 1000);
  await profiled;
}

async function find(
  cluster: HollowCluster,
  changes: Changes,
  cells: number,
  { signal, progress, folder }: BenchContext,
): Promise<CellsFinding> {
  const { provider, cloud, pids } = cluster;
  const step = `${cells} cells`;
  const startSeconds = await secondsOf(() => grow(cluster, cells, signal));
  progress({ step, detail: `serve after ${startSeconds.toFixed(1)} s` });
  await systemClock.sleep(SETTLE_MS, signal);
  const memoryAlone = await provider.call<ProcessMemory>('memory');
  const watchesAlone = await upstreamWatches(cluster, signal);
  const atRest = await cpuPercentDuring(pids, () => systemClock.sleep(REST_MS, signal));
  const alone = await change(cluster, changes, { cells, proxied: false }, signal);
  await cloud.call('setProxied', true);
  const proxiesSeconds = await secondsOf(() => untilWatching(cluster, { cells, proxied: true }, signal));
  const { failures } = await cloud.call<{ failures: Readonly<Record<string, number>> }>('state');
  const detail = `have kube-proxies after ${proxiesSeconds.toFixed(1)} s; failed so far: ${JSON.stringify(failures)}`;
  progress({ step, detail });
  await systemClock.sleep(SETTLE_MS, signal);
  const proxied = await change(cluster, changes, { cells, proxied: true }, signal);
  const watchesProxied = await upstreamWatches(cluster, signal);
  if (cells === SIZES.at(-1)) await profile(cluster, changes, join(folder, 'provider.cpuprofile'), signal);
  const memoryProxied = await provider.call<ProcessMemory>('memory');
  await cloud.call('setProxied', false);
  await untilWatching(cluster, { cells, proxied: false }, signal);
  return {
    cells,
    startSeconds,
    proxiesSeconds,
    restPercent: atRest.provider,
    changing: { alone, proxied },
    memory: { alone: memoryAlone, proxied: memoryProxied },
    upstreamWatches: { alone: watchesAlone, proxied: watchesProxied },
  };
}

async function run(context: BenchContext): Promise<BenchResult> {
  const { signal, progress } = context;
  return withHollowCells(context, CONFIG, async (cluster) => {
    await layGround(cluster.client, signal);
    progress({ step: 'ground', detail: `${SERVICES} Services with ${SERVICES * ENDPOINTS_PER_SERVICE} endpoints` });
    const changes = new Changes(cluster.client, signal);
    const findings: CellsFinding[] = [];
    for (const cells of SIZES) findings.push(await find(cluster, changes, cells, context));
    return {
      figures: [...growthFigures(findings), ...findings.flatMap(figuresOf)],
      remarks: [
        `There are ${SERVICES} Services with ${SERVICES * ENDPOINTS_PER_SERVICE} endpoints; cells are hollow kubelets in a process of their own, each with its own TLS connection (HTTP/2), certificate, lease and ${watchesPerMachine(false)} watches; a kube-proxy adds a connection and ${watchesPerMachine(true) - watchesPerMachine(false)} watches.`,
        'Delays are from the request that made the change, so they have the API server’s own write in them, and the reading of all hollow cells, which share one thread.',
      ],
    };
  });
}

/** The cell API under hollow kubelets. */
export const cellsApi: Benchmark = {
  name: 'cells-api',
  title: 'What 1 to 1,000 cells cost the provider and the API server, and how fast changes reach them.',
  run,
};
