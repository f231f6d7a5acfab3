import type { WarmPoolSpec } from '../core/warm-pool.ts';
import type { MeasuredStarts } from './policy/measured-times.ts';
import { PredictivePolicy } from './policy/predictive.ts';
import type { RequiredHitRate } from './policy/service-level.ts';

/** How many cells a pool is to have, and why. */
export interface Level {
  readonly running: number;
  readonly atMost: number;
  readonly why: string;
  /** What the SLA asks of the pool. */
  readonly needed: RequiredHitRate['kind'];
}

/** What a level is found by, beside the pool's own demand. */
export interface Terms {
  readonly spec: Pick<WarmPoolSpec, 'startupSla' | 'min' | 'max' | 'replicas'>;
  /** As many as the budget allows. */
  readonly affordable: number;
  readonly starts: MeasuredStarts;
}

/** Arrivals of the last hour are told to a policy that replaces another. */
const RETOLD_MS = 3_600_000;
const MOST_RETOLD = 20_000;
/** What was measured has changed when it is this many times as long, or as short. */
const DRIFT = 1.3;
/** A clock that goes further than this at once was set, and so was what hour it is. */
const JUMP_MS = 600_000;
const BACK_MS = 1_000;

function hasDrifted(before: MeasuredStarts, now: MeasuredStarts): boolean {
  const ratio = (name: 'lead' | 'cold' | 'warm', share: number) =>
    (now[name].quantileMs(share) + 1) / (before[name].quantileMs(share) + 1);
  return (['lead', 'cold', 'warm'] as const).some((name) =>
    [0.5, 0.95].some((share) => ratio(name, share) > DRIFT || ratio(name, share) < 1 / DRIFT),
  );
}

/** Asks a policy how many cells a pool is to have, and another one when what it knew is not so any more. */
export class Sizing {
  #policy: PredictivePolicy | undefined;
  #builtFor: { readonly targetMs: number; readonly percentile: number; readonly starts: MeasuredStarts } | undefined;
  readonly #arrivals: { readonly atMs: number; readonly pods: number }[] = [];
  #lastMs: number | undefined;

  /** So many pods came at once. */
  arrived(nowMs: number, pods: number): void {
    const atMs = this.#timeOf(nowMs);
    this.#arrivals.push({ atMs, pods });
    while (this.#arrivals.length > MOST_RETOLD || (this.#arrivals[0]?.atMs ?? atMs) < atMs - RETOLD_MS)
      this.#arrivals.shift();
    this.#policy?.arrived(atMs, pods);
  }

  /** A pod's containers started. */
  started(nowMs: number, startMs: number): void {
    this.#policy?.started(this.#timeOf(nowMs), startMs);
  }

  level(nowMs: number, terms: Terms): Level {
    const { min, max, replicas } = terms.spec;
    const atMs = this.#timeOf(nowMs);
    const policy = this.#policyFor(terms);
    const most = Math.min(max, terms.affordable);
    policy.limit(Math.min(min, most), most);
    const desired = policy.decide(undefined, atMs);
    const needed = policy.needed.kind;
    if (replicas === 0) return { running: desired.running, atMost: desired.runningAtMost, why: desired.why, needed };
    const running = Math.min(most, Math.max(min, replicas));
    return { running, atMost: running, why: `${running} cells, by spec.replicas`, needed };
  }

  #policyFor({ spec, starts }: Terms): PredictivePolicy {
    const { target: targetMs, percentile } = spec.startupSla;
    const { min, max } = spec;
    const built = this.#builtFor;
    const holds = built?.targetMs === targetMs && built.percentile === percentile && !hasDrifted(built.starts, starts);
    if (this.#policy !== undefined && holds) return this.#policy;
    const sla = { targetMs, percentile: percentile / 100 };
    const policy = new PredictivePolicy({ sla, starts, min, max, hasStopped: false });
    for (const { atMs, pods } of this.#arrivals) policy.arrived(atMs, pods);
    this.#builtFor = { targetMs, percentile, starts };
    this.#policy = policy;
    return policy;
  }

  /** Time that never goes back; after a jump all is forgotten, since what hour it was is not known. */
  #timeOf(nowMs: number): number {
    const lastMs = this.#lastMs ?? nowMs;
    const jumped = nowMs < lastMs - BACK_MS || nowMs > lastMs + JUMP_MS;
    if (jumped) {
      this.#policy = undefined;
      this.#arrivals.length = 0;
    }
    this.#lastMs = jumped ? nowMs : Math.max(lastMs, nowMs);
    return this.#lastMs;
  }
}
