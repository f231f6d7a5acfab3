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

/** Remembers which offerings had no capacity, for a while that grows with each failure. */
export class Capacity {
  readonly #clock: Clock;
  readonly #failed = new Map<string, Failure>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  exhausted(offering: Offering): void {
    const nowMs = this.#clock.now();
    this.#forget(nowMs);
    const failures = (this.#failed.get(keyOf(offering))?.failures ?? 0) + 1;
    const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** (failures - 1));
    this.#failed.set(keyOf(offering), { untilMs: nowMs + pauseMs, failures });
  }

  succeeded(offering: Offering): void {
    this.#failed.delete(keyOf(offering));
  }

  /** Tells for this moment which offerings can be had. */
  now(): (entry: Entry) => boolean {
    const nowMs = this.#clock.now();
    if (this.#failed.size === 0) return ({ offering }) => offering.available;
    return ({ offering, key }) => offering.available && !((this.#failed.get(key)?.untilMs ?? 0) > nowMs);
  }

  /** What has not failed again for as long as the longest pause begins anew. */
  #forget(nowMs: number): void {
    for (const [key, { untilMs }] of this.#failed) if (untilMs + PAUSE_MAX_MS < nowMs) this.#failed.delete(key);
  }
}
