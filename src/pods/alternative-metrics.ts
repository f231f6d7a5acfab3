import type { Registry } from 'prom-client';
import type { Clock } from '../core/clock.ts';
import { NOTHING, type Resources } from '../core/resources.ts';
import { effectiveRequest } from '../core/sizing.ts';
import type { Change, CollectionReader } from '../kube/collection.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import { counterIn, gaugeIn } from '../telemetry/metrics.ts';
import { type AlternativePrices, Alternatives } from './alternatives.ts';
import { viewOf } from './pod-view.ts';

const MS_PER_HOUR = 3_600_000;

/** What a pod requests; nothing where its quantities can't be read. */
function requestOf(pod: WirePod): Resources {
  try {
    return effectiveRequest(pod);
  } catch {
    return NOTHING;
  }
}

/** Whether a pod is on a cell of its own account, and so would be paid for elsewhere too. */
function isPaidFor(pod: WirePod): boolean {
  const { handedOver, finished, absorbed, injected } = viewOf(pod);
  return handedOver && !finished && !absorbed && !injected;
}

/** Shows in a registry what the pods that are on cells would cost elsewhere (docs/costs.md); the returned function ends that. */
export function observeAlternatives({
  pods,
  registry,
  clock,
  prices,
}: {
  readonly pods: CollectionReader<WirePod>;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly prices: AlternativePrices;
}): () => void {
  const alternatives = new Alternatives(prices);
  let paidUntilMs = clock.now();
  const cost = counterIn(registry, {
    name: 'nodeless_alternative_cost_dollars_total',
    help: 'What the pods on cells would have cost elsewhere for the time that this leader saw them: on fargate, or in a fixed-pool of machines for the most that it saw.',
    labelNames: ['alternative'],
    collect: () => pay(),
  });
  gaugeIn(registry, {
    name: 'nodeless_alternative_price_dollars_per_hour',
    help: 'What the pods that are on cells now would cost an hour elsewhere: on fargate, or in a fixed-pool.',
    labelNames: ['alternative'],
    collect: (gauge) => {
      for (const [alternative, usd] of Object.entries(alternatives.now)) gauge.set({ alternative }, usd);
    },
  });

  /** Puts what the time since the last change would have cost into the counter. */
  function pay(): void {
    const hours = Math.max(0, clock.now() - paidUntilMs) / MS_PER_HOUR;
    paidUntilMs = clock.now();
    for (const [alternative, usd] of Object.entries(alternatives.now)) cost.inc({ alternative }, usd * hours);
  }

  function see({ type, object: pod }: Change<WirePod>): void {
    pay();
    const { uid = '' } = pod.metadata;
    if (type !== 'DELETED' && isPaidFor(pod)) alternatives.runs(uid, requestOf(pod));
    else alternatives.ended(uid);
  }

  for (const pod of pods.items()) see({ type: 'ADDED', object: pod });
  return pods.subscribe(see);
}
