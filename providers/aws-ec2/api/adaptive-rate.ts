import type { Clock } from '../../../src/core/clock.ts';

export interface RateLimits {
  /** Requests per second that are asked for at most, once nothing has been throttled for long. */
  readonly perSecond: number;
  /** Requests at once after a pause. */
  readonly burst: number;
  /** Which share of it is left at least, whatever is throttled. */
  readonly leastShare?: number;
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
  #cutAtMs = Number.NEGATIVE_INFINITY;

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

  /** Waits for a turn, or for as many as there are to be at once. Turns are given in the order of calls. */
  async take(signal: AbortSignal, count = 1): Promise<void> {
    this.#refill();
    this.#tokens -= count;
    if (this.#tokens >= 0) return;
    try {
      await this.#clock.sleep((-this.#tokens / this.#perSecond) * 1_000, signal);
    } catch (error) {
      this.#tokens += count;
      throw error;
    }
  }

  /** Nothing came of so many turns that were taken: they are others'. */
  giveBack(count: number): void {
    this.#refill();
    this.#tokens = Math.min(this.#limits.burst, this.#tokens + count);
  }

  /**
   * The service has refused a request for its rate: what was saved up is gone, and the rate is cut; once for all that were
   * on their way together.
   */
  throttled(sentAtMs: number): void {
    const { perSecond, leastShare = LEAST_SHARE } = this.#limits;
    this.#refill();
    this.#tokens = Math.min(this.#tokens, 0);
    if (sentAtMs < this.#cutAtMs) return;
    this.#cutAtMs = this.#clock.now();
    this.#perSecond = Math.max(perSecond * leastShare, this.#perSecond * CUT);
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
