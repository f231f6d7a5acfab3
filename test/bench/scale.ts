import type { BenchContext, Benchmark, BenchResult, Figure } from './benchmark.ts';
import { type BenchCluster, onLoopback } from './cluster.ts';
import { loopDelay } from './loop-delay.ts';
import { burstOf, endBurst } from './pod-burst.ts';
import { cpuSeconds, residentMiB } from './process-meter.ts';
import { type SimulatedProvider, simulatedProvider } from './simulated-provider.ts';

const PODS_PER_NODE = 1_000;
const SIZES = [5_000, 10_000];
const TIMEOUT_MS = 900_000;
/** The most that the event loop may keep others waiting. */
const LOOP_DELAY_MS = 50;

interface Provider {
  readonly provider: SimulatedProvider;
  readonly pid: number;
}

async function startAll(bench: BenchCluster, count: number, started: Provider[]): Promise<void> {
  for (let number = 1; number <= count; number += 1) {
    const provider = simulatedProvider(bench, `nodeless-${number}`);
    started.push({ provider, pid: await provider.start() });
  }
}

async function size(bench: BenchCluster, pods: number): Promise<readonly Figure[]> {
  const { client, context } = bench;
  const started: Provider[] = [];
  const delays = () => Promise.all(started.map(({ pid, provider }) => loopDelay(pid, provider.loopFile, context)));
  const cpu = () => Promise.all(started.map(({ pid }) => cpuSeconds(pid)));
  try {
    await startAll(bench, pods / PODS_PER_NODE, started);
    const place = started[0]?.provider.place;
    if (place === undefined) throw new Error(`${pods} pods need a virtual node`);
    const before = await cpu();
    await delays();
    context.progress({ step: `${pods} pods`, detail: `on ${started.length} virtual nodes` });
    const seconds = await burstOf(client, { pods, place, timeoutMs: TIMEOUT_MS }, context);
    const during = await delays();
    const after = await cpu();
    const memory = await Promise.all(started.map(({ pid }) => residentMiB(pid)));
    await endBurst(client, context);
    const subject = `${pods} pods`;
    return [
      { name: 'all Running', subject, unit: 's', values: [seconds] },
      { name: 'CPU of a process', subject, unit: 's', values: after.map((now, i) => now - (before[i] ?? 0)) },
      { name: 'memory of a process', subject, unit: 'MiB', values: memory },
      {
        name: 'event-loop delay p99 of a process',
        subject,
        unit: 'ms',
        values: during.map(({ p99Ms }) => p99Ms),
        aim: { atMost: LOOP_DELAY_MS, by: 'max' },
      },
      { name: 'longest event-loop delay of a process', subject, unit: 'ms', values: during.map(({ maxMs }) => maxMs) },
    ];
  } finally {
    await Promise.all(started.map(({ provider }) => provider.stop()));
  }
}

async function run(context: BenchContext): Promise<BenchResult> {
  const figures: Figure[] = [];
  for (const pods of SIZES) figures.push(...(await onLoopback(context, (bench) => size(bench, pods))));
  return {
    figures,
    remarks: [
      `One process for each virtual node of ${PODS_PER_NODE} pods, with the simulated kubelets inside; all of them share this machine's cores with the control plane.`,
      'The delay is that of a 5 ms timer, from the first pod to the last.',
    ],
  };
}

/** Thousands of pods on several virtual nodes. */
export const scale: Benchmark = {
  name: 'scale',
  title: 'Thousands of pods of one Deployment on several virtual nodes, a process for each.',
  run,
};
