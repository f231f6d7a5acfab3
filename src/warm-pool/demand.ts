import type { LaunchType } from '../core/offerings.ts';
import { type LimitsAtTime, limitsAhead } from '../core/pool-schedule.ts';
import type { WarmPoolSpec } from '../core/warm-pool.ts';
import type { PoolMemory } from './memory.ts';
import type { MeasuredStarts } from './policy/measured-times.ts';
import { type Level, Sizing } from './sizing.ts';
import { type StartKind, StartRecord } from './start-record.ts';

const NO_LEVEL: Level = { running: 0, atMost: 0, why: 'nothing is known yet', needed: 'rate' };

/** What pods ask of a pool, what came of it, and how many cells that takes. */
export class Demand {
  readonly record: StartRecord;
  readonly #sizing: Sizing;
  #limits: LimitsAtTime;
  #starts: MeasuredStarts | undefined;
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
    if (this.#cameAtOnce > 0) this.#sizing.arrived(nowMs, this.#cameAtOnce);
    this.#cameAtOnce = 0;
  }

  /** A pod's containers started so long after its creation. */
  started(kind: StartKind, ms: number, nowMs: number): void {
    this.record.started(kind, ms, nowMs);
    this.#sizing.started(nowMs, ms);
  }

  /** A pod is gone that had not started after more than its target. */
  missed(kind: StartKind, ms: number, nowMs: number): void {
    this.record.gone(kind, ms);
    this.#sizing.started(nowMs, ms);
  }

  /** Goes on to learn from the days that were, as long as it may. */
  learn(nowMs: number, mayGoOn: () => boolean): void {
    this.#sizing.learn(nowMs, mayGoOn);
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
  }

  /** Decides how many cells are to wait; nothing before it is known how long they take. */
  decide(spec: WarmPoolSpec, affordable: number, nowMs: number): void {
    if (this.#starts === undefined) return;
    const terms = { spec: { ...spec, ...this.#limits }, affordable, starts: this.#starts };
    this.#level = this.#sizing.level(nowMs, terms);
  }
}
