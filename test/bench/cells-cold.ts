import { call } from '../../src/kube/calls.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { adminClient, startProvider } from '../../src/local-cluster/provider/provider-process.ts';
import { noMachines } from '../support/cells.ts';
import { eventually } from '../support/wait.ts';
import type { BenchContext, Benchmark, BenchResult, Figure } from './benchmark.ts';
import { CLUSTER, withCluster } from './cells-cluster.ts';
import { type BootTimes, bootTimes } from './cells-machine.ts';
import { createPod, endPod, NAMESPACE } from './cells-pods.ts';
import { PodWatcher, SIGHTS, type Sightings } from './cells-sightings.ts';

const ROUNDS = 12;
/** The first start on a machine finds nothing in the page cache. */
const WARM_UP_ROUNDS = 1;
const CPU = '50m';
const TIMEOUT_MS = 60_000;
const OWN_AIM_MS = 150;

/** Everything that one cold start passes, in milliseconds since the epoch. */
type Start = Required<Sightings> & BootTimes & { readonly asked: number; readonly nodeReady: number };

/** Whose time a phase is: the cluster's, ours, the machine's, or its kubelet's. */
type Owner = 'cluster' | 'Nodeless' | 'machine' | 'kubelet';

interface Phase {
  readonly name: string;
  readonly owner: Owner;
  readonly tookMs: (start: Start) => number;
}

/** A kubelet sees its pod when it asks for pods and has been given one. */
function shownAt({ handedOver, podsAsked }: Start): number {
  return Math.max(handedOver, podsAsked);
}

/** From the request to Ready, without a gap and without an overlap. */
const PHASES: readonly Phase[] = [
  { name: '01 asked for → bound', owner: 'cluster', tookMs: (s) => s.bound - s.asked },
  { name: '02 bound → decided and annotated', owner: 'Nodeless', tookMs: (s) => s.annotated - s.bound },
  { name: '03 annotated → launch called', owner: 'Nodeless', tookMs: (s) => s.launchBegan - s.annotated },
  { name: '04 launch called → machine runs', owner: 'machine', tookMs: (s) => s.machineRuns - s.launchBegan },
  { name: '05 machine runs → certificate asked for', owner: 'machine', tookMs: (s) => s.attested - s.machineRuns },
  { name: '06 certificate asked for → on the machine', owner: 'Nodeless', tookMs: (s) => s.certified - s.attested },
  { name: '07 certificate → kubelet begins', owner: 'machine', tookMs: (s) => s.kubeletBegan - s.certified },
  { name: '08 kubelet begins → has reported Ready', owner: 'kubelet', tookMs: (s) => s.nodeReady - s.kubeletBegan },
  { name: '09 Ready → pod handed over', owner: 'Nodeless', tookMs: (s) => s.handedOver - s.nodeReady },
  { name: '10 handed over → kubelet asks for pods', owner: 'kubelet', tookMs: (s) => shownAt(s) - s.handedOver },
  { name: '11 pod shown → first status', owner: 'kubelet', tookMs: (s) => s.firstStatus - shownAt(s) },
  { name: '12 first status → sandbox up', owner: 'kubelet', tookMs: (s) => s.sandboxUp - s.firstStatus },
  { name: '13 sandbox up → container started', owner: 'kubelet', tookMs: (s) => s.containerStarted - s.sandboxUp },
  { name: '14 container started → Ready', owner: 'kubelet', tookMs: (s) => s.ready - s.containerStarted },
];

function figuresOf(starts: readonly Start[]): readonly Figure[] {
  const total = (start: Start, phases: readonly Phase[]) =>
    phases.reduce((sum, { tookMs }) => sum + Math.max(0, tookMs(start)), 0);
  const own = PHASES.filter(({ owner }) => owner === 'Nodeless');
  return [
    { name: 'asked for → Ready', subject: 'all', unit: 'ms', values: starts.map((start) => start.ready - start.asked) },
    {
      name: 'our own phases',
      subject: 'Nodeless',
      unit: 'ms',
      values: starts.map((start) => total(start, own)),
      aim: { atMost: OWN_AIM_MS },
    },
    ...PHASES.map(({ name, owner, tookMs }) => ({ name, subject: owner, unit: 'ms', values: starts.map(tookMs) })),
  ];
}

/** When the provider knew that a cell's kubelet is Ready, in milliseconds since the epoch; its Cell object tells. */
async function readyAtMs(client: KubeClient, cellId: string, signal: AbortSignal): Promise<number> {
  return eventually('the Cell object tells when it was ready', async () => {
    const path = `/apis/nodeless.io/v1alpha1/cells/${cellId}`;
    const { status } = await call<{ status: { phases: { ready?: string } } }>(client, { method: 'GET', path, signal });
    return status.phases.ready !== undefined && Date.parse(status.phases.ready);
  });
}

async function run(context: BenchContext): Promise<BenchResult> {
  const { signal, progress } = context;
  return withCluster(context, { regularNode: false }, async (cluster) => {
    await startProvider({ cluster, signal });
    const client = await adminClient(cluster);
    const watching = new AbortController();
    try {
      const watcher = new PodWatcher();
      watcher.start(client, NAMESPACE, AbortSignal.any([signal, watching.signal]));
      const starts: Start[] = [];
      for (let round = 0; round < ROUNDS + WARM_UP_ROUNDS; round += 1) {
        const name = `cold-${round}`;
        const asked = await createPod(client, { name, cpu: CPU, regular: false }, signal);
        const sightings = await watcher.seen(name, SIGHTS, TIMEOUT_MS);
        const boot = await bootTimes(CLUSTER, watcher.cellOf(name));
        const nodeReady = await readyAtMs(client, watcher.cellOf(name), signal);
        if (round >= WARM_UP_ROUNDS) starts.push({ asked, ...sightings, ...boot, nodeReady });
        progress({ step: name, detail: `Ready after ${sightings.ready - asked} ms` });
        await endPod(client, name, signal);
        await noMachines(CLUSTER);
      }
      return {
        figures: figuresOf(starts),
        remarks: [
          'Times are taken by watches at the API server, on the machine by its files and its kubelet’s log, and by the Cell object.',
          'A stock kubelet first asks for pods a second after its start, whoever serves it: phase 10 is what is left of that second.',
          'Phase 06 has the shell in it that stores the certificate; of a kubelet’s phases, each call to the cell API has our part in it.',
        ],
      };
    } finally {
      watching.abort();
      await client.close();
    }
  });
}

/** A pod's whole start on a new local cell, by phase. */
export const coldStart: Benchmark = {
  name: 'cold-start',
  title: 'From the request for a pod to Ready on a new local cell, by phase and by whose time it is.',
  run,
};
