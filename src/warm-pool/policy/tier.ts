import type { MeasuredStarts, MeasuredTimes } from './measured-times.ts';
import { type RequiredHitRate, requiredHitRate, type StartupSla } from './service-level.ts';

/** Where a pool keeps its cells, and what that asks of it. */
export interface TierChoice {
  readonly tier: 'running' | 'stopped';
  readonly needed: RequiredHitRate;
  /** Start of a pod that finds a cell in the tier. */
  readonly hit: MeasuredTimes;
  /** Order to a cell in the tier. */
  readonly lead: MeasuredTimes;
}

/**
 * Where a pool that may have stopped cells keeps which: all of them stopped, where those start pods in time often enough; else
 * running ones for as long as a stopped one takes to start, and stopped ones for as long as an order takes. `starts` are what
 * the running ones, or all, are to be reckoned with.
 */
export type TierPlan =
  | { readonly kind: 'running' }
  | { readonly kind: 'stopped'; readonly starts: MeasuredStarts }
  | { readonly kind: 'both'; readonly starts: MeasuredStarts };

/** @param resumeLead from the start of a stopped machine to a kubelet that is Ready */
export function planTiers(
  sla: StartupSla,
  starts: MeasuredStarts,
  { hasStopped, resumeLead }: { readonly hasStopped: boolean; readonly resumeLead: MeasuredTimes },
): TierPlan {
  if (!hasStopped) return { kind: 'running' };
  const { tier, hit, lead, needed } = chooseTier(sla, starts, true);
  if (tier === 'stopped') return { kind: 'stopped', starts: { ...starts, warm: hit, lead } };
  return needed.kind === 'rate' ? { kind: 'both', starts: { ...starts, lead: resumeLead } } : { kind: 'running' };
}

/** The cheapest tier that can keep the SLA: stopped cells, which cost their disks, or else running ones. */
export function chooseTier(sla: StartupSla, starts: MeasuredStarts, hasStopped: boolean): TierChoice {
  const ofStopped = requiredHitRate(sla, starts.resumed, starts.cold);
  if (hasStopped && ofStopped.kind !== 'unreachable')
    return { tier: 'stopped', needed: ofStopped, hit: starts.resumed, lead: starts.stoppedLead };
  return {
    tier: 'running',
    needed: requiredHitRate(sla, starts.warm, starts.cold),
    hit: starts.warm,
    lead: starts.lead,
  };
}
