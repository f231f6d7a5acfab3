import { readComponent } from '../../src/local-cluster/processes/component.ts';
import { apiWrites } from './api-writes.ts';
import type { BenchContext, Benchmark, BenchResult, Figure } from './benchmark.ts';
import { type BenchCluster, onLoopback } from './cluster.ts';
import type { Contestant } from './contestant.ts';
import { kwok } from './kwok.ts';
import { burstOf, endBurst } from './pod-burst.ts';
import { meter, meterAll } from './process-meter.ts';
import { simulatedProvider } from './simulated-provider.ts';

const PODS = 1_000;
const ROUNDS = 3;
const TIMEOUT_MS = 600_000;
const CONTROL_PLANE = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

interface Round {
  readonly contestant: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMiB: number;
  readonly controlPlaneCpuSeconds: number;
  /** That the API server answered until all pods were Ready, whoever sent them. */
  readonly writesPerPod: number;
}

/** Process ids of the control plane's components. */
export async function controlPlanePids({ cluster }: BenchCluster): Promise<readonly number[]> {
  const records = await Promise.all(CONTROL_PLANE.map((name) => readComponent(cluster.paths, name)));
  return records.flatMap((record) => (record === undefined ? [] : [record.process.pid]));
}

async function round(bench: BenchCluster, contestant: Contestant): Promise<Round> {
  const { client, context } = bench;
  const pid = await contestant.start();
  try {
    const writesBefore = await apiWrites(client, context.signal);
    const used = await meter(pid);
    const controlPlane = await meterAll(await controlPlanePids(bench));
    const seconds = await burstOf(client, { pods: PODS, place: contestant.place, timeoutMs: TIMEOUT_MS }, context);
    const measured = { seconds, ...(await used()), controlPlaneCpuSeconds: await controlPlane() };
    const writesPerPod = ((await apiWrites(client, context.signal)) - writesBefore) / PODS;
    await endBurst(client, context);
    return { contestant: contestant.name, ...measured, writesPerPod };
  } finally {
    await contestant.stop();
  }
}

function figuresOf(rounds: readonly Round[]): readonly Figure[] {
  const names = [...new Set(rounds.map(({ contestant }) => contestant))];
  const of = (subject: string, pick: (round: Round) => number) =>
    rounds.filter(({ contestant }) => contestant === subject).map(pick);
  const figures = (name: string, unit: string, pick: (round: Round) => number): Figure[] =>
    names.map((subject) => ({ name, subject, unit, values: of(subject, pick) }));
  const ours = of('nodeless', ({ seconds }) => seconds);
  const theirs = of('kwok', ({ seconds }) => seconds);
  const ratios = ours.map((seconds, index) => seconds / (theirs[index] ?? Number.NaN));
  return [
    ...figures('all Ready', 's', ({ seconds }) => seconds),
    { name: 'all Ready, pair by pair', subject: 'nodeless / kwok', unit: '×', values: ratios, aim: { atMost: 1 } },
    ...figures('CPU of its process', 's', ({ cpuSeconds }) => cpuSeconds),
    ...figures('peak memory of its process', 'MiB', ({ peakMiB }) => peakMiB),
    ...figures('CPU of the control plane', 's', ({ controlPlaneCpuSeconds }) => controlPlaneCpuSeconds),
    ...figures('writes to the API server', 'per pod', ({ writesPerPod }) => writesPerPod),
  ];
}

async function run(context: BenchContext): Promise<BenchResult> {
  return onLoopback(context, async (bench) => {
    const contestants = [simulatedProvider(bench), await kwok(bench)];
    const rounds: Round[] = [];
    for (let number = 1; number <= ROUNDS; number += 1) {
      for (const contestant of contestants) {
        context.progress({ step: `round ${number} of ${ROUNDS}`, detail: contestant.name });
        const measured = await round(bench, contestant);
        rounds.push(measured);
        context.progress({ step: `round ${number} of ${ROUNDS}`, detail: JSON.stringify(measured) });
      }
    }
    return {
      figures: figuresOf(rounds),
      remarks: [
        'The nodeless process also runs the simulated kubelets: their keys, handshakes and requests are in its CPU and memory.',
        'kwok writes one status to each pod; nodeless also records cells, tells events and keeps Cell objects.',
      ],
    };
  });
}

/** Our provider against kwok, in turn on one control plane. */
export const burst: Benchmark = {
  name: 'burst',
  title: `${PODS} pods of one Deployment on simulated cells, against kwok on the same control plane, in turn.`,
  run,
};
