import type { MeasuredTimes } from './measured-times.ts';

/** What the user states: so many percent of pods have their containers started this soon after their creation. */
export interface StartupSla {
  readonly targetMs: number;
  /** A share: 0.95 for the 95th percentile. */
  readonly percentile: number;
}

/** How much of the demand must find a cell waiting, so that the SLA is kept. */
export type RequiredHitRate =
  /** Starts without a pool keep the SLA. */
  | { readonly kind: 'none' }
  | { readonly kind: 'rate'; readonly rate: number }
  /** Not even pods that find a cell waiting start in time often enough. */
  | { readonly kind: 'unreachable' };

/**
 * The hit rate h with h·P(hit ≤ target) + (1 − h)·P(miss ≤ target) = percentile.
 * @param hit starts of pods that find a cell waiting in the tier
 * @param miss starts of those that do not
 */
export function requiredHitRate(sla: StartupSla, hit: MeasuredTimes, miss: MeasuredTimes): RequiredHitRate {
  const inTimeOnHit = hit.shareWithin(sla.targetMs);
  const inTimeOnMiss = miss.shareWithin(sla.targetMs);
  if (inTimeOnMiss >= sla.percentile) return { kind: 'none' };
  if (inTimeOnHit < sla.percentile) return { kind: 'unreachable' };
  return { kind: 'rate', rate: (sla.percentile - inTimeOnMiss) / (inTimeOnHit - inTimeOnMiss) };
}
