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
import { PodWatcher } from './cells-sightings.ts';
import { quantile } from './statistics.ts';

/** How many pods come at once, and how often. */
const STEPS = [
  { pods: 1, rounds: 8 },
  { pods: 3, rounds: 4 },
  { pods: 8, rounds: 3 },
];
const CPU = '50m';
/** For so long a local cell that boots may use more CPU than it is sized for. */
const BURST_MS = 8_000;
const TIMEOUT_MS = 120_000;
const RATIO_AIM = 1.3;
const DELIVERY_AIM_MS = 20;
const API = '/apis/nodeless.io/v1alpha1';

/** What pods of a step meet: their class, and whether cells wait in a pool, and are ordered again as they are claimed. */
interface Setting {
  readonly name: string;
  readonly subject: string;
  readonly cellsWait: boolean;
  readonly refills: boolean;
}

const BOOTED: Setting = { name: 'booted', subject: 'booted cells, no refill', cellsWait: true, refills: false };
const POOL: Setting = { name: 'pool', subject: 'warm pool', cellsWait: true, refills: true };
const NONE: Setting = { name: 'none', subject: 'no pool', cellsWait: false, refills: true };

interface CellSeen {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly phase?: string;
    readonly pool?: string;
    readonly claimedAt?: string;
    readonly phases?: { readonly running?: string };
  };
}

/** What the pods of some steps took, in milliseconds. */
interface Starts {
  readonly ready: number[];
  readonly delivered: number[];
}

class Steps {
  readonly #client: KubeClient;
  readonly #watcher: PodWatcher;
  readonly #context: BenchContext;

  constructor(client: KubeClient, watcher: PodWatcher, context: BenchContext) {
    this.#client = client;
    this.#watcher = watcher;
    this.#context = context;
  }

  /** Steps of so many pods in a setting, of its own class and pool. */
  async measure(setting: Setting, { pods, rounds }: (typeof STEPS)[number]): Promise<Starts> {
    const { progress, signal } = this.#context;
    const name = `${setting.name}-${pods}`;
    // Where the class may have no more cells than the pool, a refill waits until the pods are gone.
    await this.#create('CellClass', 'cellclasses', name, setting.refills ? {} : { budgets: { maxCells: pods } });
    const pool = { shape: { cpu: CPU, memory: MEMORY }, cellClass: name, min: pods, max: pods };
    if (setting.cellsWait) await this.#create('WarmPool', 'warmpools', name, pool);
    const starts: Starts = { ready: [], delivered: [] };
    for (let round = 0; round < rounds; round += 1) {
      if (setting.cellsWait) await this.#whenBooted(name, pods);
      const names = Array.from({ length: pods }, (_, at) => `${name}-${round}-${at}`);
      const ready = await Promise.all(names.map((one) => this.#start(one, name)));
      starts.ready.push(...ready);
      if (setting.cellsWait) starts.delivered.push(...(await Promise.all(names.map((one) => this.#delivery(one)))));
      const told = `Ready after ${ready.join(', ')} ms, shown to kubelets after ${starts.delivered.slice(-pods).join(', ')} ms`;
      progress({ step: `${setting.subject}, step of ${pods}, round ${round}`, detail: told });
      await Promise.all(names.map((one) => endPod(this.#client, one, signal)));
    }
    if (setting.cellsWait) await call(this.#client, { method: 'DELETE', path: `${API}/warmpools/${name}`, signal });
    await noMachines(CLUSTER);
    return starts;
  }

  async #start(name: string, cellClass: string): Promise<number> {
    const asked = await createPod(this.#client, { name, cpu: CPU, regular: false, cellClass }, this.#context.signal);
    const { ready } = await this.#watcher.seen(name, ['ready'], TIMEOUT_MS);
    return ready - asked;
  }

  /** From the claim of a pod's cell until its kubelet is shown the pod. */
  async #delivery(pod: string): Promise<number> {
    const path = `${API}/cells/${this.#watcher.cellOf(pod)}`;
    return eventually(`the cell of ${pod} is told of`, async () => {
      const { status } = await call<CellSeen>(this.#client, { method: 'GET', path });
      const { claimedAt, phases } = status ?? {};
      if (claimedAt === undefined || phases?.running === undefined) return undefined;
      return { ms: Date.parse(phases.running) - Date.parse(claimedAt) };
    }).then(({ ms }) => ms);
  }

  async #whenBooted(pool: string, count: number): Promise<void> {
    const ids = await eventually(`${count} cells of ${pool} wait`, () => this.#waiting(pool, count), TIMEOUT_MS);
    for (const id of ids) await eventually(`${id} has booted`, () => isBooted(CLUSTER, id), TIMEOUT_MS);
    await systemClock.sleep(BURST_MS, this.#context.signal);
  }

  async #waiting(pool: string, count: number): Promise<readonly string[] | undefined> {
    const path = `${API}/cells`;
    const { items } = await call<{ items: readonly CellSeen[] }>(this.#client, { method: 'GET', path });
    const ids = items.filter(({ status }) => status?.phase === 'ready' && status.pool === pool);
    return ids.length === count ? ids.map(({ metadata }) => metadata.name) : undefined;
  }

  async #create(kind: string, plural: string, name: string, spec: object): Promise<void> {
    const body = { apiVersion: 'nodeless.io/v1alpha1', kind, metadata: { name }, spec };
    await call(this.#client, { method: 'POST', path: `${API}/${plural}`, body, signal: this.#context.signal });
  }
}

function figuresOf(pods: number, booted: Starts, pool: Starts, none: Starts): readonly Figure[] {
  const of = pods === 1 ? '1 pod' : `${pods} pods at once`;
  const p90 = ({ ready }: Starts) => quantile(ready, 0.9);
  const ready = ({ subject }: Setting, starts: Starts) => ({
    name: `${of}: asked for → Ready`,
    subject,
    unit: 'ms',
    values: starts.ready,
  });
  return [
    {
      name: `${of}: p90 against booted cells without a refill`,
      subject: POOL.subject,
      unit: '',
      values: [p90(pool) / p90(booted)],
      aim: { atMost: RATIO_AIM },
    },
    ready(POOL, pool),
    ready(BOOTED, booted),
    ready(NONE, none),
    {
      name: `${of}: claim → the kubelet is shown the pod`,
      subject: POOL.subject,
      unit: 'ms',
      values: pool.delivered,
      aim: { atMost: DELIVERY_AIM_MS },
    },
  ];
}

async function run(context: BenchContext): Promise<BenchResult> {
  const { signal } = context;
  return withCluster(context, { regularNode: false }, async (cluster) => {
    await startProvider({ cluster, signal });
    const client = await adminClient(cluster);
    const watching = new AbortController();
    try {
      const watcher = new PodWatcher();
      watcher.start(client, NAMESPACE, AbortSignal.any([signal, watching.signal]));
      const steps = new Steps(client, watcher, context);
      // What starts first finds nothing in the page cache.
      await steps.measure({ ...NONE, name: 'first' }, { pods: 1, rounds: 1 });
      const figures: Figure[] = [];
      for (const step of STEPS) {
        const none = await steps.measure(NONE, { ...step, rounds: 1 });
        const booted = await steps.measure(BOOTED, step);
        figures.push(...figuresOf(step.pods, booted, await steps.measure(POOL, step), none));
      }
      return {
        figures,
        remarks: [
          'Booted cells wait in a pool whose class may have no more, so nothing boots while their pods start; a warm pool orders as many again in the moment of the claims, on the same cores.',
          'Each cell has a quarter of a CPU once it has booted, and each step finds cells that have waited for 8 s.',
        ],
      };
    } finally {
      watching.abort();
      await client.close();
    }
  });
}

/** Steps of pods that a warm pool is there for. */
export const poolSteps: Benchmark = {
  name: 'pool-steps',
  title: 'Pods that come at once to a warm pool of local cells, against the same on booted cells, and against no pool.',
  run,
};
