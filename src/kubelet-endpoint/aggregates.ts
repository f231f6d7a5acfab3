import type { Registry } from 'prom-client';
import { type Answer, json, text } from './answers.ts';
import { EXPOSITION_TYPE } from './exposition.ts';
import { boundPods, runningPods } from './pod-lists.ts';
import type { PodMetrics } from './pod-metrics.ts';
import type { PodSource } from './ports.ts';
import type { PlainKind } from './route.ts';
import type { Scrape } from './scrape.ts';
import type { StatsSummary } from './stats-summary.ts';

export interface AggregatesOptions {
  readonly scrape: Scrape;
  readonly podMetrics: PodMetrics;
  readonly statsSummary: StatsSummary;
  readonly pods: PodSource;
  readonly registry: Registry;
  /** What `/configz` shows under `kubeletconfig`. */
  readonly configuration: Readonly<Record<string, unknown>>;
}

/** What the endpoint answers itself. */
export type Aggregates = (kind: PlainKind, query: string) => Promise<Answer>;

function exposition(body: string): Answer {
  return { status: 200, contentType: EXPOSITION_TYPE, body };
}

/** `only_cpu_and_memory` as Go's `strconv.ParseBool` reads it. */
function isTrue(query: string, parameter: string): boolean {
  return /^(1|t|true)$/i.test(new URLSearchParams(query).get(parameter) ?? '');
}

/** Makes the endpoint's own answers; who asks while the same one is being put together gets that one. */
export function createAggregates(options: AggregatesOptions): Aggregates {
  const { scrape, podMetrics, statsSummary, pods, registry, configuration } = options;
  const inFlight = new Map<string, Promise<Answer>>();

  async function answer(kind: PlainKind, onlyCpuAndMemory: boolean): Promise<Answer> {
    switch (kind) {
      case 'pods': {
        const list = boundPods(pods);
        return list === undefined ? text(503, 'the pods of this node are not known yet\n') : json(list);
      }
      case 'runningpods':
        return json(await runningPods(scrape));
      case 'stats/summary':
        return json(await statsSummary(onlyCpuAndMemory));
      case 'metrics':
        return { status: 200, contentType: registry.contentType, body: await registry.metrics() };
      case 'metrics/cadvisor':
        return exposition(await podMetrics.cadvisor());
      case 'metrics/resource':
        return exposition(await podMetrics.resource());
      case 'metrics/probes':
        return exposition(await podMetrics.probes());
      case 'healthz':
        return text(200, 'ok');
      case 'configz':
        return json({ kubeletconfig: configuration });
    }
  }

  return (kind, query) => {
    const onlyCpuAndMemory = kind === 'stats/summary' && isTrue(query, 'only_cpu_and_memory');
    const key = `${kind} ${onlyCpuAndMemory}`;
    const begun = inFlight.get(key);
    if (begun !== undefined) return begun;
    const answering = answer(kind, onlyCpuAndMemory).finally(() => inFlight.delete(key));
    inFlight.set(key, answering);
    return answering;
  };
}
