import type { Clock } from '../core/clock.ts';
import type { Offering } from '../core/offerings.ts';
import { type Entry, keyOf } from './offering-table.ts';

/** An exhausted offering is left alone this long at first, doubled at each failure up to the maximum. */
const PAUSE_MIN_MS = 5_000;
const PAUSE_MAX_MS = 180_000;

interface Failure {
  readonly untilMs: number;
  readonly failures: number;
}

type Failures = Map<string, Failure>;

/** Under which failures of all classes are; no class can have it. */
const EVERY_CLASS = '';

/**
 * Remembers which offerings had no capacity, for a while that grows with each failure after it. What fails at once counts
 * once: the pods of one burst find out the same.
 */
export class Capacity {
  readonly #clock: Clock;
  readonly #byClass = new Map<string, Failures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** For all classes, or for one where it may be that class's own doing. */
  exhausted(offering: Offering, className = EVERY_CLASS): void {
    const nowMs = this.#clock.now();
    this.#forget(nowMs);
    const failed: Failures = this.#byClass.get(className) ?? new Map();
    this.#byClass.set(className, failed);
    const last = failed.get(keyOf(offering));
    if (last !== undefined && last.untilMs > nowMs) return;
    const failures = (last?.failures ?? 0) + 1;
    const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** (failures - 1));
    failed.set(keyOf(offering), { untilMs: nowMs + pauseMs, failures });
  }

  succeeded(offering: Offering, className = EVERY_CLASS): void {
    this.#byClass.get(className)?.delete(keyOf(offering));
  }

  /** Tells for this moment which offerings can be had by a class; without one, leaves out what is a class's own doing. */
  now(className = EVERY_CLASS): (entry: Entry) => boolean {
    const nowMs = this.#clock.now();
    const failed = [EVERY_CLASS, className].flatMap((name) => this.#byClass.get(name) ?? []);
    if (failed.every(({ size }) => size === 0)) return ({ offering }) => offering.available;
    const isLeftOut = (key: string) => failed.some((failures) => (failures.get(key)?.untilMs ?? 0) > nowMs);
    return ({ offering, key }) => offering.available && !isLeftOut(key);
  }

  /** What has not failed again for as long as the longest pause begins anew. */
  #forget(nowMs: number): void {
    for (const [className, failed] of this.#byClass) {
      for (const [key, { untilMs }] of failed) if (untilMs + PAUSE_MAX_MS < nowMs) failed.delete(key);
      if (failed.size === 0) this.#byClass.delete(className);
    }
  }
}
