import { kubeTime } from '../core/clock.ts';
import { describeWindow } from '../core/pool-schedule.ts';
import { describeResources } from '../core/resources.ts';
import { selectorText } from './eligibility.ts';
import type { UnreadPool } from './keeper.ts';
import type { KeptPool } from './kept-pool.ts';

interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration: number;
}

/** A WarmPool's status, as it is written. */
export interface PoolStatus {
  readonly [field: string]: unknown;
  readonly conditions: readonly Condition[];
}

type Said = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** `5 s`, `850 ms`. */
export function describeMs(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${Number((ms / 1_000).toFixed(1))} s`;
}

/** Why the pool has so many cells: what the SLA asks, by the starts that were measured, and what the policy expects. */
function why({ pool, demand: { level, starts } }: KeptPool): string {
  const { target, percentile } = pool.spec.startupSla;
  if (starts === undefined || pool.spec.replicas > 0) return level.why;
  const cold = `p${percentile} cold start is ${describeMs(starts.cold.quantileMs(percentile / 100))}`;
  if (level.needed === 'none') return `${cold} ≤ ${describeMs(target)}: ${level.why}`;
  return `${cold} > ${describeMs(target)}, so arrivals within one refill must be covered: ${level.why}`;
}

function readyCondition({ holding, demand: { level } }: KeptPool): Said {
  const { ready, booting } = holding;
  const message = `${ready.size} of ${level.running} cells wait, ${booting.size} boot`;
  const isReady = ready.size >= level.running;
  return { type: 'Ready', status: isReady ? 'True' : 'False', reason: isReady ? 'CellsWait' : 'CellsMissing', message };
}

function slaCondition({ pool, demand: { record, level, limits, starts } }: KeptPool): Said {
  const { target, percentile } = pool.spec.startupSla;
  const type = 'SlaMet';
  if (level.needed === 'unreachable' && starts !== undefined) {
    const warm = describeMs(starts.warm.quantileMs(percentile / 100));
    const message = `no tier can keep ${describeMs(target)}: p${percentile} of warm starts is ${warm}; raise spec.startupSla.target`;
    return { type, status: 'False', reason: 'SlaUnreachable', message };
  }
  const achieved = record.achievedMs(percentile / 100);
  const share = record.shareWithin(target);
  if (achieved === undefined || share === undefined)
    return { type, status: 'Unknown', reason: 'NoStarts', message: 'no pod of the pool has started yet' };
  const isMet = share * 100 >= percentile;
  const found = `p${percentile} of the last ${record.told} starts is ${describeMs(achieved)}`;
  const message = `${found}, ${isMet ? 'within' : 'which misses'} ${describeMs(target)}`;
  const limited = isMet || limits.max > level.running ? '' : `; the pool holds ${level.running}, as its max lets it`;
  return { type, status: isMet ? 'True' : 'False', reason: isMet ? 'Kept' : 'Missed', message: `${message}${limited}` };
}

function degradedCondition(kept: KeptPool, invalid: string | undefined, canClaim: boolean): Said {
  const type = 'Degraded';
  if (!canClaim) {
    const message = 'the provider can not give machines that wait to pods, so pods start cold';
    return { type, status: 'True', reason: 'NotSupported', message };
  }
  if (invalid !== undefined)
    return { type, status: 'True', reason: 'Invalid', message: `it is kept as it was: ${invalid}` };
  const { trouble } = kept;
  if (trouble === undefined) return { type, status: 'False', reason: 'AsDesired', message: 'cells can be ordered' };
  return { type, status: 'True', reason: trouble.reason, message: `pods may start cold: ${trouble.message}` };
}

/** Nothing where no images are asked for. */
function imagesCondition({ pool }: KeptPool, pullsImages: boolean): readonly Said[] {
  const { images = [] } = pool.spec;
  const type = 'ImagesPulled';
  if (images.length === 0) return [];
  if (!pullsImages) {
    const message = 'the provider can not pull images before cells wait, so the first pod of each cell pulls its own';
    return [{ type, status: 'False', reason: 'NotSupported', message }];
  }
  const message = `each cell pulls ${images.length} images before it waits`;
  return [{ type, status: 'True', reason: 'BeforeReady', message }];
}

/** Nothing where no stopped cells are asked for. */
function tiersCondition({ pool, holding, hasStopped, demand: { level } }: KeptPool): readonly Said[] {
  if (!pool.spec.tiers.includes('stopped')) return [];
  const type = 'StoppedTier';
  if (!hasStopped) {
    const message = 'the provider can not stop machines and start them again, so all cells run while they wait';
    return [{ type, status: 'False', reason: 'NotSupported', message }];
  }
  const message = `${holding.stopped.size} of ${level.stopped} cells are stopped`;
  return [{ type, status: 'True', reason: 'Kept', message }];
}

/** What a status depends on beside its pool. */
export interface StatusContext {
  readonly nowMs: number;
  readonly generation: number;
  readonly canClaim: boolean;
  readonly pullsImages: boolean;
  /** The conditions as they were written last. */
  readonly before: readonly Condition[];
}

function conditionsOf(said: readonly Said[], { nowMs, generation, before }: StatusContext): readonly Condition[] {
  return said.map((one) => {
    const last = before.find(({ type }) => type === one.type);
    const since = last?.status === one.status ? last.lastTransitionTime : kubeTime(nowMs);
    return { ...one, lastTransitionTime: since, observedGeneration: generation };
  });
}

/** What there is to say of a pool that nobody can read. */
export function statusOfUnread({ holding, reason: why }: UnreadPool, context: StatusContext): PoolStatus {
  const { ready, booting, claimed } = holding;
  const reason = 'Invalid';
  const message = `its cells stay, and none are ordered or given: ${why}`;
  const said: readonly Said[] = [
    { type: 'Ready', status: 'False', reason, message },
    { type: 'SlaMet', status: 'Unknown', reason, message },
    { type: 'Degraded', status: 'True', reason, message },
  ];
  return {
    replicas: holding.position,
    desired: holding.position,
    ready: ready.size,
    booting: booting.size,
    claimed: claimed.size,
    pricePerHourUsd: holding.pricePerHourUsd.toFixed(4),
    why: message,
    observedGeneration: context.generation,
    conditions: conditionsOf(said, context),
  };
}

/** What there is to say of a pool; `invalid` where its object is not valid any more. */
export function statusOf(kept: KeptPool, invalid: string | undefined, context: StatusContext): PoolStatus {
  const { pool, holding, size, choice } = kept;
  const { level, limits, record } = kept.demand;
  const { target, percentile } = pool.spec.startupSla;
  const { generation, canClaim, pullsImages } = context;
  const degraded = degradedCondition(kept, invalid, canClaim);
  const more = [...imagesCondition(kept, pullsImages), ...tiersCondition(kept)];
  const said = [readyCondition(kept), slaCondition(kept), degraded, ...more];
  const { hitRate } = record;
  const achieved = record.achievedMs(percentile / 100);
  return {
    selector: selectorText(pool),
    replicas: holding.position,
    desired: level.running,
    ready: holding.ready.size,
    booting: holding.booting.size,
    stopped: holding.stopped.size,
    claimed: holding.claimed.size,
    sla: `${describeMs(target)} p${percentile}`,
    hitRate: hitRate === undefined ? '' : `${Math.round(hitRate * 100)}%`,
    achieved: achieved === undefined ? '' : describeMs(achieved),
    pricePerHourUsd: holding.pricePerHourUsd.toFixed(4),
    pricePerCellUsd: choice?.offering.pricePerHourUsd.toFixed(4) ?? '',
    limits: `${limits.min} to ${limits.max}${limits.open.length === 0 ? '' : ` (${limits.open.map(describeWindow).join(', ')})`}`,
    size: size === undefined ? 'not known yet: no pod that it selects has come' : describeResources(size),
    instanceType: choice?.offering.instanceType ?? '',
    why: why(kept),
    observedGeneration: generation,
    conditions: conditionsOf(said, context),
  };
}
