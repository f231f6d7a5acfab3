import PQueue from 'p-queue';
import { createBackoff } from '../../../src/core/backoff.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { AdaptiveRate, type RateLimits } from './adaptive-rate.ts';
import { type Asked, failureOf } from './failure.ts';

export interface QueueLimits extends RateLimits {
  readonly concurrency: number;
}

export interface QueuedCall<T> extends Asked {
  /** True when doing it twice does no harm, so that it is asked again also where its outcome is unknown. */
  readonly repeatable: boolean;
  readonly run: (signal: AbortSignal) => Promise<T>;
}

const CALL_TIMEOUT_MS = 20_000;
const ATTEMPTS = 6;
const BACKOFF_MIN_MS = 250;
const BACKOFF_MAX_MS = 8_000;

/** Calls of one action of an API, which has a bucket of its own at AWS: bounded at once, and at a rate that heeds throttling. */
export class ApiQueue {
  readonly #queue: PQueue;
  readonly #rate: AdaptiveRate;
  readonly #clock: Clock;

  constructor({ concurrency, ...limits }: QueueLimits, clock: Clock) {
    this.#queue = new PQueue({ concurrency });
    this.#rate = new AdaptiveRate(limits, clock);
    this.#clock = clock;
  }

  /** @throws NodelessError of the provider contract; the signal's reason where it is aborted */
  async call<T>({ run, repeatable, ...asked }: QueuedCall<T>, signal: AbortSignal): Promise<T> {
    const backoff = createBackoff(BACKOFF_MIN_MS, BACKOFF_MAX_MS);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#queue.add(() => this.#once(run, asked, signal), { signal });
      } catch (error) {
        signal.throwIfAborted();
        const failure = failureOf(error, asked);
        const again = failure.code === 'Throttled' || (repeatable && failure.code === 'AmbiguousOutcome');
        if (!again || attempt === ATTEMPTS) throw failure;
        await this.#clock.sleep(backoff.next(), signal);
      }
    }
  }

  async #once<T>(run: QueuedCall<T>['run'], asked: Asked, signal: AbortSignal): Promise<T> {
    await this.#rate.take(signal);
    const sentAtMs = this.#clock.now();
    try {
      const answer = await run(AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]));
      this.#rate.succeeded();
      return answer;
    } catch (error) {
      const failure = failureOf(error, asked);
      if (failure.code === 'Throttled') this.#rate.throttled(sentAtMs);
      throw failure;
    }
  }
}
