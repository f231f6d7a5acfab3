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
