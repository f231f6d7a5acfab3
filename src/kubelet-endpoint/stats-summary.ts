import { type Clock, kubeTime } from '../core/clock.ts';
import { type NodeUsage, usageKey } from './node-usage.ts';
import { ownPodsOf } from './own-pods.ts';
import type { CellDirectory, PodIdentity, RunningCell } from './ports.ts';
import type { Scrape } from './scrape.ts';
import { MAX_UINT, shaped } from './shapes.ts';
import { POD_STATS, type PodStats } from './stats-shapes.ts';

export interface StatsSummaryOptions {
  readonly nodeName: string;
  readonly startedAtMs: number;
  readonly scrape: Scrape;
  readonly cells: CellDirectory;
  readonly usage: NodeUsage;
  readonly clock: Clock;
}

/** Makes `/stats/summary`: each cell's own pods once, and the node as their sum. */
export type StatsSummary = (onlyCpuAndMemory: boolean) => Promise<unknown>;

function listOf(value: unknown, field: string): readonly unknown[] {
  const list = (value as Readonly<Record<string, unknown>> | null)?.[field];
  return Array.isArray(list) ? list : [];
}

/** A cell's pods out of its summary, with what it may not say left out. @throws SyntaxError when it is not JSON. */
function ownPodStats(cell: RunningCell, body: Buffer): readonly PodStats[] {
  const own = ownPodsOf(cell);
  const told = listOf(JSON.parse(body.toString()), 'pods').flatMap((entry) => {
    const stats = shaped(entry, POD_STATS) as PodStats | undefined;
    return stats !== undefined && own.find(stats.podRef) !== undefined ? [{ containers: [], ...stats }] : [];
  });
  return [...new Map(told.map((stats) => [stats.podRef.uid, stats])).values()];
}

/** Never more than a uint64 holds: Go clients would refuse the whole document. */
function sum(values: readonly (number | undefined)[]): number {
  const total = values.reduce<number>((part, value) => part + (value ?? 0), 0);
  return Math.min(Math.round(total), MAX_UINT);
}

function observe(usage: NodeUsage, cell: RunningCell, { podRef, cpu, memory }: PodStats): void {
  const nanoseconds = cpu?.usageCoreNanoSeconds;
  usage.observe(usageKey(cell.cellId, podRef.uid), {
    ...(nanoseconds === undefined ? {} : { cpuCoreSeconds: nanoseconds / 1e9 }),
    ...(memory?.workingSetBytes === undefined ? {} : { workingSetBytes: memory.workingSetBytes }),
  });
}

function nodeStats(options: StatsSummaryOptions, pods: readonly PodStats[]): unknown {
  const { cpuCoreSeconds, workingSetBytes } = options.usage.totals();
  const time = kubeTime(options.clock.now());
  return {
    nodeName: options.nodeName,
    startTime: kubeTime(options.startedAtMs),
    cpu: {
      time,
      usageNanoCores: sum(pods.map(({ cpu }) => cpu?.usageNanoCores)),
      usageCoreNanoSeconds: sum([cpuCoreSeconds * 1e9]),
    },
    memory: {
      time,
      usageBytes: sum(pods.map(({ memory }) => memory?.usageBytes)),
      workingSetBytes: sum([workingSetBytes]),
      rssBytes: sum(pods.map(({ memory }) => memory?.rssBytes)),
      pageFaults: sum(pods.map(({ memory }) => memory?.pageFaults)),
      majorPageFaults: sum(pods.map(({ memory }) => memory?.majorPageFaults)),
    },
  };
}

/** Makes the summary of all cells. */
export function createStatsSummary(options: StatsSummaryOptions): StatsSummary {
  const { scrape, cells, usage, clock } = options;
  return async (onlyCpuAndMemory) => {
    const told: PodStats[] = [];
    await scrape({
      path: `/stats/summary${onlyCpuAndMemory ? '?only_cpu_and_memory=true' : ''}`,
      accept: 'application/json',
      take(cell, body) {
        const stats = ownPodStats(cell, body);
        for (const pod of stats) observe(usage, cell, pod);
        told.push(...stats);
      },
    });
    const running = cells.running().flatMap(({ cellId, pods }) => pods.map(({ uid }) => usageKey(cellId, uid)));
    usage.retain(new Set(running), clock.now());
    return { node: nodeStats(options, told), pods: oncePerPod(told) };
  };
}

/** Of an agent that runs in every cell, the first answer stands for all. */
function oncePerPod(told: readonly PodStats[]): readonly PodStats[] {
  const seen = new Set<PodIdentity['uid']>();
  return told.filter(({ podRef }) => !seen.has(podRef.uid) && seen.add(podRef.uid));
}
