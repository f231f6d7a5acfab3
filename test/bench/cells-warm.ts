import { systemClock } from '../../src/core/clock.ts';
import { call } from '../../src/kube/calls.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { adminClient, startProvider } from '../../src/local-cluster/provider/provider-process.ts';
import { noMachines } from '../support/cells.ts';
import { eventually } from '../support/wait.ts';
import type { BenchContext, Benchmark, BenchResult, Figure } from './benchmark.ts';
import { CLUSTER, withCluster } from './cells-cluster.ts';
import { isBooted } from './cells-machine.ts';
import { createPod, endPod, MEMORY, NAMESPACE } from './cells-pods.ts';
import { PodWatcher, type Sightings } from './cells-sightings.ts';
import { statistic } from './statistics.ts';

const ROUNDS = 12;
const SMALL_ROUNDS = 5;
const WARM_UP_ROUNDS = 1;
const SETTLE_MS = 2_000;
/** For so long a local cell that boots may use more CPU than it is sized for. */
const BURST_MS = 8_000;
const TIMEOUT_MS = 60_000;
const RATIO_AIM = 1.1;

/** A kind of place that pods start in, and what they request there. */
interface Place {
  readonly subject: string;
  readonly cpu: string;
}

/** A pool of one cell, and how long that is left alone once it is booted. */
interface PoolPlace extends Place {
  readonly pool: string;
  readonly settleMs: number;
}

const CELL: PoolPlace = { subject: 'booted cell, 2 CPUs', cpu: '1500m', pool: 'large', settleMs: SETTLE_MS };
const SMALL_CELL: PoolPlace = { subject: 'booted cell, 0.25 CPU', cpu: '50m', pool: 'small', settleMs: BURST_MS };
const REGULAR: Place = { subject: 'regular node', cpu: '1500m' };
/** Its budget of one cell keeps a refill from booting on the same cores beside the start that is measured. */
const CELL_CLASS = 'one-at-a-time';
const API = '/apis/nodeless.io/v1alpha1';

interface CellSeen {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly phase?: string; readonly pool?: string };
}

/** How long one start took, in milliseconds. */
interface Start {
  /** Until the pod was bound, and on a cell until it was annotated. */
  readonly assigned: number;
  readonly handOver: number;
  readonly firstStatus: number;
  readonly sandboxUp: number;
  readonly containerStarted: number;
  readonly ready: number;
}

const RUNNING = ['firstStatus', 'sandboxUp', 'containerStarted', 'ready'] as const;

function phasesOf(seen: Required<Sightings>, assigned: number, beganMs: number, shownMs: number): Start {
  return {
    assigned,
    handOver: shownMs - beganMs,
    firstStatus: seen.firstStatus - shownMs,
    sandboxUp: seen.sandboxUp - seen.firstStatus,
    containerStarted: seen.containerStarted - seen.sandboxUp,
    ready: seen.ready - seen.containerStarted,
  };
}

class Rounds {
  readonly #client: KubeClient;
  readonly #watcher: PodWatcher;
  readonly #signal: AbortSignal;

  constructor(client: KubeClient, watcher: PodWatcher, signal: AbortSignal) {
    this.#client = client;
    this.#watcher = watcher;
    this.#signal = signal;
  }

  async onRegularNode(name: string, { cpu }: Place): Promise<Start> {
    const askedMs = await createPod(this.#client, { name, cpu, regular: true }, this.#signal);
    const seen = await this.#watcher.seen(name, ['bound', ...RUNNING], TIMEOUT_MS);
    await endPod(this.#client, name, this.#signal);
    return phasesOf(seen, seen.bound - askedMs, seen.bound, seen.bound);
  }

  /** As many as there may be: one. */
  async openPool({ pool, cpu }: PoolPlace): Promise<void> {
    const spec = { shape: { cpu, memory: MEMORY }, cellClass: CELL_CLASS, min: 1, max: 1 };
    await this.#create('WarmPool', 'warmpools', pool, spec);
  }

  async closePool({ pool }: PoolPlace): Promise<void> {
    await call(this.#client, { method: 'DELETE', path: `${API}/warmpools/${pool}`, signal: this.#signal });
    await noMachines(CLUSTER);
  }

  async makeClass(): Promise<void> {
    await this.#create('CellClass', 'cellclasses', CELL_CLASS, { budgets: { maxCells: 1 } });
  }

  async onBootedCell(name: string, { cpu, pool, settleMs }: PoolPlace): Promise<Start> {
    const [client, watcher, signal] = [this.#client, this.#watcher, this.#signal];
    const cellId = await eventually(`a cell of ${pool} waits`, () => this.#waiting(pool), TIMEOUT_MS);
    await eventually(`${cellId} has booted`, () => isBooted(CLUSTER, cellId));
    await systemClock.sleep(settleMs, signal);
    const askedMs = await createPod(client, { name, cpu, regular: false, cellClass: CELL_CLASS }, signal);
    const seen = await watcher.seen(name, ['annotated', 'handedOver', ...RUNNING], TIMEOUT_MS);
    if (watcher.cellOf(name) !== cellId) throw new Error(`${name} did not get the cell that waited`);
    await endPod(client, name, signal);
    return phasesOf(seen, seen.annotated - askedMs, seen.annotated, seen.handedOver);
  }

  async #waiting(pool: string): Promise<string | undefined> {
    const path = `${API}/cells`;
    const { items } = await call<{ items: readonly CellSeen[] }>(this.#client, { method: 'GET', path });
    return items.find(({ status }) => status?.phase === 'ready' && status.pool === pool)?.metadata.name;
  }

  async #create(kind: string, plural: string, name: string, spec: object): Promise<void> {
    const body = { apiVersion: 'nodeless.io/v1alpha1', kind, metadata: { name }, spec };
    await call(this.#client, { method: 'POST', path: `${API}/${plural}`, body, signal: this.#signal });
  }
}

function total(start: Start): number {
  return Object.values(start).reduce((sum: number, ms: number) => sum + ms, 0);
}

function figuresOf(subject: string, starts: readonly Start[]): readonly Figure[] {
  const figure = (name: string, of: (start: Start) => number) => ({
    name,
    subject,
    unit: 'ms',
    values: starts.map(of),
  });
  return [
    figure('asked for → Ready', total),
    figure('1 asked for → bound, on a cell annotated', (start) => start.assigned),
    figure('2 on a cell: annotated → handed over', (start) => start.handOver),
    figure('3 shown to the kubelet → first status', (start) => start.firstStatus),
    figure('4 first status → sandbox up', (start) => start.sandboxUp),
    figure('5 sandbox up → container started', (start) => start.containerStarted),
    figure('6 container started → Ready', (start) => start.ready),
  ];
}

function ratio(of: readonly Start[], to: readonly Start[]): number {
  return statistic(of.map(total), 'median') / statistic(to.map(total), 'median');
}

async function run(context: BenchContext): Promise<BenchResult> {
  const { signal, progress } = context;
  return withCluster(context, { regularNode: true }, async (cluster) => {
    await startProvider({ cluster, signal });
    const client = await adminClient(cluster);
    const watching = new AbortController();
    const [cell, small, regular]: [Start[], Start[], Start[]] = [[], [], []];
    try {
      const watcher = new PodWatcher();
      watcher.start(client, NAMESPACE, AbortSignal.any([signal, watching.signal]));
      const rounds = new Rounds(client, watcher, signal);
      await rounds.makeClass();
      await rounds.openPool(CELL);
      for (let round = 0; round < ROUNDS + WARM_UP_ROUNDS; round += 1) {
        const onRegular = await rounds.onRegularNode(`regular-${round}`, REGULAR);
        const onCell = await rounds.onBootedCell(`warm-${round}`, CELL);
        const detail = `Ready after ${total(onCell)} ms on a cell, ${total(onRegular)} ms on the regular node`;
        progress({ step: `round ${round}`, detail });
        if (round < WARM_UP_ROUNDS) continue;
        regular.push(onRegular);
        cell.push(onCell);
      }
      await rounds.closePool(CELL);
      await rounds.openPool(SMALL_CELL);
      for (let round = 0; round < SMALL_ROUNDS; round += 1) {
        small.push(await rounds.onBootedCell(`small-${round}`, SMALL_CELL));
        progress({ step: `small round ${round}`, detail: `Ready after ${total(small.at(-1) as Start)} ms on a cell` });
      }
    } finally {
      watching.abort();
      await client.close();
    }
    const unit = '';
    return {
      figures: [
        {
          name: 'asked for → Ready, medians against the regular node',
          subject: CELL.subject,
          unit,
          values: [ratio(cell, regular)],
          aim: { atMost: RATIO_AIM },
        },
        {
          name: 'asked for → Ready, medians against the regular node',
          subject: SMALL_CELL.subject,
          unit,
          values: [ratio(small, regular)],
        },
        ...figuresOf(REGULAR.subject, regular),
        ...figuresOf(CELL.subject, cell),
        ...figuresOf(SMALL_CELL.subject, small),
      ],
      remarks: [
        'A cell of a warm pool has booted and waits; its class may have one, so that the refill does not boot on the same cores beside the start.',
        'The small cell starts the pod with the quarter of a CPU that it is sized for, the regular node with all of the machine’s.',
      ],
    };
  });
}

/** A pod's start where the kubelet is Ready already. */
export const warmStart: Benchmark = {
  name: 'warm-start',
  title: 'From the request for a pod to Ready on a booted local cell, against the regular node of the same cluster.',
  run,
};
