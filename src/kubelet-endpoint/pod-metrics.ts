import type { Clock } from '../core/clock.ts';
import { createExposition, type Exposition, sampleValue } from './exposition.ts';
import { type FamilyHead, type Sample, samplesOf, seriesText } from './exposition-lines.ts';
import { type NodeUsage, usageKey } from './node-usage.ts';
import { ownPodsOf } from './own-pods.ts';
import type { CellDirectory, PodIdentity, RunningCell } from './ports.ts';
import type { Scrape } from './scrape.ts';

export interface PodMetricsOptions {
  readonly scrape: Scrape;
  readonly cells: CellDirectory;
  readonly usage: NodeUsage;
  readonly clock: Clock;
}

/** The expositions that are put together from all cells' kubelets. */
export interface PodMetrics {
  cadvisor(): Promise<string>;
  resource(): Promise<string>;
  probes(): Promise<string>;
}

const ACCEPT = 'text/plain;version=0.0.4';

const NODE_CPU: FamilyHead = {
  name: 'node_cpu_usage_seconds_total',
  type: 'counter',
  help: '[STABLE] Cumulative cpu time consumed by the node in core-seconds',
};
const NODE_MEMORY: FamilyHead = {
  name: 'node_memory_working_set_bytes',
  type: 'gauge',
  help: '[STABLE] Current working set of the node in bytes',
};
/** Families that the endpoint tells itself, of the node: no cell is believed about them, whatever labels it gives them. */
const OWN_FAMILIES = /^(?:node_.*|(?:container_|resource_)?scrape_error)$/;
const ERROR_HELP = '1 if there was an error while getting container metrics, 0 otherwise';

function gauge(name: string, help: string): FamilyHead {
  return { name, type: 'gauge', help };
}

function bare(family: FamilyHead, value: number, timestampMs?: number): Sample {
  const timestamp = timestampMs === undefined ? {} : { timestamp: String(timestampMs) };
  return { family, name: family.name, labels: new Map(), series: family.name, value: String(value), ...timestamp };
}

/** Reads out of a pod's samples what counts for the node. */
function observe(usage: NodeUsage, cell: RunningCell, pod: PodIdentity, sample: Sample): void {
  const key = usageKey(cell.cellId, pod.uid);
  if (sample.name === 'pod_cpu_usage_seconds_total') usage.observe(key, { cpuCoreSeconds: sampleValue(sample) });
  if (sample.name === 'pod_memory_working_set_bytes') usage.observe(key, { workingSetBytes: sampleValue(sample) });
}

/** Start times can't be added up. */
function isAdditive(sample: Sample): boolean {
  return !sample.name.endsWith('_start_time_seconds');
}

/** Makes the aggregates. A series is kept only when it names a pod that was handed over to the cell that tells it. */
export function createPodMetrics({ scrape, cells, usage, clock }: PodMetricsOptions): PodMetrics {
  async function gather(
    path: string,
    take: (exposition: Exposition, cell: RunningCell, pod: PodIdentity, sample: Sample) => void,
  ): Promise<{ exposition: Exposition; failed: number }> {
    const exposition = createExposition();
    const { failed } = await scrape({
      path,
      accept: ACCEPT,
      take(cell, body) {
        const own = ownPodsOf(cell);
        for (const sample of samplesOf(body.toString(), own.mayMatter)) {
          const pod = own.ofSample(sample);
          if (pod !== undefined && !OWN_FAMILIES.test(sample.family.name)) take(exposition, cell, pod, sample);
        }
      },
    });
    return { exposition, failed };
  }

  /** Series as they are; those of an agent, which every cell runs under one name, told apart by a label. */
  async function labelled(path: string): Promise<{ exposition: Exposition; failed: number }> {
    return gather(path, (exposition, { cellId }, { isAgent }, sample) => {
      if (isAgent !== true) return exposition.add(cellId, sample);
      const labels = new Map([...sample.labels, ['cell', cellId]]);
      exposition.add(cellId, { ...sample, labels, series: seriesText(sample.name, labels) });
    });
  }

  return {
    async cadvisor() {
      const { exposition, failed } = await labelled('/metrics/cadvisor');
      exposition.add('', bare(gauge('container_scrape_error', ERROR_HELP), Math.min(failed, 1)));
      return exposition.render();
    },
    async probes() {
      const { exposition } = await labelled('/metrics/probes');
      return exposition.render();
    },
    async resource() {
      const { exposition, failed } = await gather('/metrics/resource', (all, cell, pod, sample) => {
        observe(usage, cell, pod, sample);
        all.add(cell.cellId, sample, isAdditive(sample) ? 'sum' : 'first');
      });
      const running = cells.running().flatMap(({ cellId, pods }) => pods.map(({ uid }) => usageKey(cellId, uid)));
      usage.retain(new Set(running), clock.now());
      const { cpuCoreSeconds, workingSetBytes } = usage.totals();
      exposition.add('', bare(NODE_CPU, cpuCoreSeconds, clock.now()));
      exposition.add('', bare(NODE_MEMORY, workingSetBytes, clock.now()));
      exposition.add('', bare(gauge('resource_scrape_error', `[STABLE] ${ERROR_HELP}`), Math.min(failed, 1)));
      exposition.add(
        '',
        bare(gauge('scrape_error', `[ALPHA] (Deprecated since 1.29.0) ${ERROR_HELP}`), Math.min(failed, 1)),
      );
      return exposition.render();
    },
  };
}
