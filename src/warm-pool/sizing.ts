import type { WarmPoolSpec } from '../core/warm-pool.ts';
import { ArrivalLog } from './arrival-log.ts';
import type { MeasuredStarts } from './policy/measured-times.ts';
import { PredictivePolicy } from './policy/predictive.ts';
import type { RequiredHitRate } from './policy/service-level.ts';
import { Retelling } from './retelling.ts';

/** How many cells a pool is to have, and why. */
export interface Level {
  readonly running: number;
  readonly atMost: number;
  /** Cells whose machines are stopped; more than `stoppedAtMost` end. */
  readonly stopped: number;
  readonly stoppedAtMost: number;
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

interface BuiltFor {
  readonly targetMs: number;
  readonly percentile: number;
  readonly starts: MeasuredStarts;
}

/** So much is told at once to a policy that replaces another which can not go on; the rest is told over time. */
const TOLD_AT_ONCE_MS = 3_600_000;
/** What was measured has changed when it is this many times as long, or as short. */
const DRIFT = 1.3;
/** What fewer samples say of the longest times is their luck. */
const ENOUGH_FOR_TAIL = 20;
/** A clock that goes further than this at once was set, and so was what hour it is. */
const JUMP_MS = 600_000;
const BACK_MS = 1_000;

function hasDrifted(before: MeasuredStarts, now: MeasuredStarts): boolean {
  const ratio = (name: 'lead' | 'cold' | 'warm', share: number) =>
    (now[name].quantileMs(share) + 1) / (before[name].quantileMs(share) + 1);
  return (['lead', 'cold', 'warm'] as const).some((name) =>
    (now[name].count < ENOUGH_FOR_TAIL ? [0.5] : [0.5, 0.95]).some(
      (share) => ratio(name, share) > DRIFT || ratio(name, share) < 1 / DRIFT,
    ),
  );
}

/** A level without stopped cells, as one tier has it. */
export type TierLevel = Omit<Level, 'stopped' | 'stoppedAtMost'>;

/** Asks a policy how many cells a pool is to have, and another one when what it knew is not so any more. */
export class Sizing {
  #log: ArrivalLog;
  #policy: PredictivePolicy | undefined;
  #builtFor: BuiltFor | undefined;
  #retelling: Retelling<PredictivePolicy> | undefined;
  #lastMs: number | undefined;

  /** @param log the pods that came before */
  constructor(log = new ArrivalLog()) {
    this.#log = log;
  }

  /** The pods that came. */
  get log(): ArrivalLog {
    return this.#log;
  }

  /** So many pods came at once. */
  arrived(nowMs: number, pods: number): void {
    const atMs = this.#timeOf(nowMs);
    this.#log.add(atMs, pods);
    this.#policy?.arrived(atMs, pods);
    this.#retelling?.arrived(atMs, pods);
  }

  /** A pod's containers started, or had not after so long. */
  started(nowMs: number, startMs: number): void {
    this.#policy?.started(this.#timeOf(nowMs), startMs);
  }

  /** Goes on to tell a new policy of the days that were, as long as it may; the one before decides until then. */
  learn(nowMs: number, mayGoOn: () => boolean): void {
    if (!this.#retelling?.goOn(this.#timeOf(nowMs), mayGoOn)) return;
    this.#policy = this.#retelling.policy;
    this.#retelling = undefined;
  }

  level(nowMs: number, terms: Terms): TierLevel {
    const { min, max, replicas } = terms.spec;
    const atMs = this.#timeOf(nowMs);
    const policy = this.#policyFor(atMs, terms);
    const most = Math.min(max, terms.affordable);
    policy.limit(Math.min(min, most), most);
    const desired = policy.decide(undefined, atMs);
    const needed = policy.needed.kind;
    if (replicas === 0) return { running: desired.running, atMost: desired.runningAtMost, why: desired.why, needed };
    const running = Math.min(most, Math.max(min, replicas));
    return { running, atMost: running, why: `${running} cells, by spec.replicas`, needed };
  }

  #policyFor(nowMs: number, { spec, starts }: Terms): PredictivePolicy {
    const { target: targetMs, percentile } = spec.startupSla;
    const built = this.#builtFor;
    const isSameSla = built?.targetMs === targetMs && built.percentile === percentile;
    if (this.#policy !== undefined && isSameSla && !hasDrifted(built.starts, starts)) return this.#policy;
    const sla = { targetMs, percentile: percentile / 100 };
    const make = () => new PredictivePolicy({ sla, starts, min: spec.min, max: spec.max, hasStopped: false });
    this.#builtFor = { targetMs, percentile, starts };
    this.#retelling = new Retelling(make(), this.#log.batches());
    const next = make();
    const kinds = [this.#policy?.needed.kind, next.needed.kind];
    // It knows the days that were, and is a little wrong on how long starts take: until the next knows them too.
    if (this.#policy !== undefined && isSameSla && kinds.every((kind) => kind === 'rate')) return this.#policy;
    for (const { atMs, pods } of this.#log.batches(nowMs - TOLD_AT_ONCE_MS)) next.arrived(atMs, pods);
    this.#policy = next;
    return next;
  }

  /** Time that never goes back; after a jump all is forgotten, since what hour it was is not known. */
  #timeOf(nowMs: number): number {
    const lastMs = this.#lastMs ?? nowMs;
    const jumped = nowMs < lastMs - BACK_MS || nowMs > lastMs + JUMP_MS;
    if (jumped) {
      this.#policy = undefined;
      this.#retelling = undefined;
      this.#log = new ArrivalLog();
    }
    this.#lastMs = jumped ? nowMs : Math.max(lastMs, nowMs);
    return this.#lastMs;
  }
}
