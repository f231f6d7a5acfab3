import type { Clock } from '../../../src/core/clock.ts';

export interface RateLimits {
  /** Requests per second that are asked for at most, once nothing has been throttled for long. */
  readonly perSecond: number;
  /** Requests at once after a pause. */
  readonly burst: number;
}

/** A throttled request takes this share of the rate; each one that goes well gives a little of the most back. */
const CUT = 0.5;
const LEAST_SHARE = 0.05;
const REGAIN_SHARE = 0.02;

/** A token bucket whose rate gives way to throttling and comes back slowly. */
export class AdaptiveRate {
  readonly #limits: RateLimits;
  readonly #clock: Clock;
  #perSecond: number;
  #tokens: number;
  #atMs: number;

  constructor(limits: RateLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#perSecond = limits.perSecond;
    this.#tokens = limits.burst;
    this.#atMs = clock.now();
  }

  /** The rate as it is now. */
  get perSecond(): number {
    return this.#perSecond;
  }

  /** Waits for a turn. Turns are given in the order of calls. */
  async take(signal: AbortSignal): Promise<void> {
    this.#refill();
    this.#tokens -= 1;
    if (this.#tokens >= 0) return;
    try {
      await this.#clock.sleep((-this.#tokens / this.#perSecond) * 1_000, signal);
    } catch (error) {
      this.#tokens += 1;
      throw error;
    }
  }

  /** The service has refused a request for its rate: what was saved up is gone, and the rate is cut. */
  throttled(): void {
    this.#refill();
    this.#tokens = Math.min(this.#tokens, 0);
    this.#perSecond = Math.max(this.#limits.perSecond * LEAST_SHARE, this.#perSecond * CUT);
  }

  succeeded(): void {
    const { perSecond } = this.#limits;
    this.#perSecond = Math.min(perSecond, this.#perSecond + perSecond * REGAIN_SHARE);
  }

  #refill(): void {
    const nowMs = this.#clock.now();
    const gained = (Math.max(0, nowMs - this.#atMs) / 1_000) * this.#perSecond;
    this.#tokens = Math.min(this.#limits.burst, this.#tokens + gained);
    this.#atMs = nowMs;
  }
}
