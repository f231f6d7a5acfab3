import type { LaunchType } from '../core/offerings.ts';
import { type LimitsAtTime, limitsAhead } from '../core/pool-schedule.ts';
import type { WarmPoolSpec } from '../core/warm-pool.ts';
import { ArrivalLog } from './arrival-log.ts';
import type { PoolMemory } from './memory.ts';
import type { MeasuredStarts, MeasuredTimes } from './policy/measured-times.ts';
import { planTiers } from './policy/tier.ts';
import { type Level, Sizing } from './sizing.ts';
import { type StartKind, StartRecord } from './start-record.ts';

const NO_STOPPED = { stopped: 0, stoppedAtMost: 0 };
const NO_LEVEL: Level = { running: 0, atMost: 0, ...NO_STOPPED, why: 'nothing is known yet', needed: 'rate' };

/** What pods ask of a pool, what came of it, and how many cells that takes. */
export class Demand {
  readonly record: StartRecord;
  readonly #sizing: Sizing;
  #limits: LimitsAtTime;
  /** Of the running cells alone, where stopped ones are behind them. */
  #front: Sizing | undefined;
  #starts: MeasuredStarts | undefined;
  #resumeLead: MeasuredTimes | undefined;
  #level: Level | undefined;
  #cameAtOnce = 0;

  /** @param memory what was learned before */
  constructor(spec: WarmPoolSpec, nowMs: number, memory: PoolMemory | undefined) {
    this.record = new StartRecord(memory, nowMs);
    this.#sizing = new Sizing(memory?.log);
    this.#limits = limitsAhead(spec, nowMs, 0);
  }

  /** What it has learned. */
  get memory(): PoolMemory {
    return { log: this.#sizing.log, ...this.record.samples };
  }

  /** How many may wait now, and by which windows of its schedule. */
  get limits(): LimitsAtTime {
    return this.#limits;
  }

  get level(): Level {
    return this.#level ?? NO_LEVEL;
  }

  /** Whether a level has been decided. */
  get isKnown(): boolean {
    return this.#level !== undefined;
  }

  /** The times that it reckons with. */
  get starts(): MeasuredStarts | undefined {
    return this.#starts;
  }

  /** A pod has come. */
  came(): void {
    this.#cameAtOnce += 1;
  }

  /** The pods that came since the last time were one arrival: a Deployment that scales by N. */
  tellArrivals(nowMs: number): void {
    if (this.#cameAtOnce > 0) for (const each of this.#sizings()) each.arrived(nowMs, this.#cameAtOnce);
    this.#cameAtOnce = 0;
  }

  /** A pod's containers started so long after its creation. */
  started(kind: StartKind, ms: number, nowMs: number): void {
    this.record.started(kind, ms, nowMs);
    for (const each of this.#sizings()) each.started(nowMs, ms);
  }

  /** A pod is gone that had not started after more than its target. */
  missed(kind: StartKind, ms: number, nowMs: number): void {
    this.record.gone(kind, ms);
    for (const each of this.#sizings()) each.started(nowMs, ms);
  }

  /** Goes on to learn from the days that were, as long as it may. */
  learn(nowMs: number, mayGoOn: () => boolean): void {
    for (const each of this.#sizings()) each.learn(nowMs, mayGoOn);
  }

  /** Looks what the limits are by now. */
  limit(spec: WarmPoolSpec, nowMs: number, lookMs: number): void {
    // Cells are to wait when a window opens.
    const leadMs = (this.#starts?.lead.quantileMs(0.95) ?? 0) + lookMs;
    this.#limits = limitsAhead(spec, nowMs, leadMs);
  }

  /** Takes in what was measured since the last time, for machines that are had in this way. */
  measure(spec: WarmPoolSpec, launchType: LaunchType, nowMs: number): void {
    const target = { ms: spec.startupSla.target, isUnreachable: this.level.needed === 'unreachable' };
    this.#starts = this.record.measured(launchType, target, nowMs);
    this.#resumeLead = this.record.resumeLead(launchType);
  }

  /** Decides how many cells are to wait, and in which tier; nothing before it is known how long they take. */
  decide(
    spec: WarmPoolSpec,
    { affordable, hasStopped }: { affordable: number; hasStopped: boolean },
    nowMs: number,
  ): void {
    const [starts, resumeLead] = [this.#starts, this.#resumeLead];
    if (starts === undefined || resumeLead === undefined) return;
    const terms = { spec: { ...spec, ...this.#limits }, affordable, starts };
    const { target: targetMs, percentile } = spec.startupSla;
    // So many are to run where it was said how many.
    const mayStop = hasStopped && spec.replicas === 0;
    const plan = planTiers({ targetMs, percentile: percentile / 100 }, starts, { hasStopped: mayStop, resumeLead });
    if (plan.kind !== 'both') this.#front = undefined;
    const whole = this.#sizing.level(nowMs, plan.kind === 'stopped' ? { ...terms, starts: plan.starts } : terms);
    if (plan.kind === 'running') {
      this.#level = { ...whole, ...NO_STOPPED };
    } else if (plan.kind === 'stopped') {
      const { running: stopped, atMost: stoppedAtMost, why, needed } = whole;
      this.#level = { running: 0, atMost: 0, stopped, stoppedAtMost, why: `${why}; stopped ones keep the SLA`, needed };
    } else {
      const { log } = this.#sizing;
      this.#front ??= new Sizing(new ArrivalLog(log.bins, log.widthMs));
      const { running, atMost, why, needed } = this.#front.level(nowMs, { ...terms, starts: plan.starts });
      const stopped = Math.max(0, whole.running - running);
      const stoppedAtMost = Math.max(stopped, whole.atMost - running);
      const words = `${why}; and ${stopped} stopped ones, for as long as orders take`;
      this.#level = { running, atMost, stopped, stoppedAtMost, why: words, needed };
    }
  }

  #sizings(): readonly Sizing[] {
    return this.#front === undefined ? [this.#sizing] : [this.#sizing, this.#front];
  }
}
