import type { Registry } from 'prom-client';
import type { Clock } from '../core/clock.ts';
import { CELL_READY_CONDITION } from '../core/names.ts';
import type { CollectionReader } from '../kube/collection.ts';
import { hasCondition } from '../kube/objects.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import { gaugeIn, histogramIn } from '../telemetry/metrics.ts';
import { viewOf } from './pod-view.ts';

/** Upper bounds of `nodeless_pod_start_seconds`: what a share of starts can be told of exactly. */
export const START_BUCKETS_SECONDS = [0.5, 1, 2, 3, 5, 8, 13, 20, 30, 45, 60, 90, 120, 180, 300, 600];

/** False for what is reported Ready and not run, and for agents, which have no cell of their own. */
function startsOnACell(pod: WirePod): boolean {
  const { absorbed, injected } = viewOf(pod);
  return !absorbed && !injected;
}

/** Why a pod has no cell yet, as its condition says; undefined for one that has, or needs none any more. */
export function waitsFor(pod: WirePod): string | undefined {
  const { handedOver, finished, deleting } = viewOf(pod);
  if (handedOver || finished || deleting || !startsOnACell(pod)) return undefined;
  const told = pod.status?.conditions?.find(({ type }) => type === CELL_READY_CONDITION);
  return told?.reason || 'Starting';
}

/** Shows in a registry how fast pods start, and which wait; the returned function ends that. */
export function observePods({
  pods,
  registry,
  clock,
}: {
  readonly pods: CollectionReader<WirePod>;
  readonly registry: Registry;
  readonly clock: Clock;
}): () => void {
  /** Uids of pods that were Ready once, or may have been before this began: they say nothing of their start. */
  const started = new Set<string>();
  const starts = histogramIn(registry, {
    name: 'nodeless_pod_start_seconds',
    help: 'Time from the creation of a pod to the first time that it was seen Ready.',
    buckets: START_BUCKETS_SECONDS,
  });
  const waiting = () =>
    [...pods.items()].flatMap((pod) => {
      const reason = waitsFor(pod);
      return reason === undefined ? [] : [{ reason, createdAtMs: viewOf(pod).createdAtMs ?? clock.now() }];
    });
  gaugeIn(registry, {
    name: 'nodeless_pods_waiting',
    help: 'Pods of the virtual node that have no cell yet, by why.',
    labelNames: ['reason'],
    collect: (gauge) => {
      for (const { reason } of waiting()) gauge.inc({ reason });
    },
  });
  gaugeIn(registry, {
    name: 'nodeless_pods_waiting_oldest_seconds',
    help: 'Age of the oldest pod that has no cell yet, by why.',
    labelNames: ['reason'],
    collect: (gauge) => {
      const ages = new Map<string, number>();
      for (const { reason, createdAtMs } of waiting())
        ages.set(reason, Math.max(ages.get(reason) ?? 0, clock.now() - createdAtMs));
      for (const [reason, ms] of ages) gauge.set({ reason }, ms / 1_000);
    },
  });

  for (const pod of pods.items()) if (viewOf(pod).handedOver) started.add(viewOf(pod).uid);
  return pods.subscribe(({ type, object: pod }) => {
    const { uid, createdAtMs } = viewOf(pod);
    if (type === 'DELETED') {
      started.delete(uid);
      return;
    }
    if (started.has(uid) || !startsOnACell(pod) || !hasCondition(pod, 'Ready')) return;
    started.add(uid);
    if (createdAtMs !== undefined) starts.observe(Math.max(0, clock.now() - createdAtMs) / 1_000);
  });
}

/** Shows in a registry how many pods the controller works on, or is about to. */
export function showQueue(registry: Registry, depth: () => number): void {
  gaugeIn(registry, {
    name: 'nodeless_work_queue_depth',
    help: 'Pods whose next step is taken, or waits for its turn.',
    collect: (gauge) => gauge.set(depth()),
  });
}
