import type { Counter, Registry } from 'prom-client';
import { counterIn, gaugeIn } from './metrics.ts';

/** Shows in a registry whether the zone of a virtual node is exhausted; gives what counts the pods that are sent elsewhere. */
export function zoneMetrics(registry: Registry, isExhausted: () => boolean): { readonly rescheduled: Counter } {
  gaugeIn(registry, {
    name: 'nodeless_zone_exhausted',
    help: '1 while the zone of the virtual node has no capacity and its node gets no new pods. Only with zones.',
    collect: (gauge) => gauge.set(isExhausted() ? 1 : 0),
  });
  const rescheduled = counterIn(registry, {
    name: 'nodeless_pods_rescheduled_total',
    help: 'Pods that were deleted before they began, since their zone is exhausted and another takes pods. Only with zones.',
  });
  return { rescheduled };
}
