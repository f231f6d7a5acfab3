import PQueue from 'p-queue';
import type { Logger } from 'pino';
import { type Backoff, createBackoff } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';

export interface WorkQueueOptions {
  readonly name: string;
  /** The work on one key; resolves with milliseconds after which to look again, or undefined. Throwing retries with backoff. */
  readonly work: (key: string, signal: AbortSignal) => Promise<number | undefined>;
  readonly concurrency: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Timers hold 31 bits of milliseconds and fire at once beyond; what is due later is looked at again then. */
const MAX_TIMER_MS = 3_600_000;

/**
 * Work on keys: never two at once on one key, a key that changes during its work is worked again,
 * failures are retried with growing delays, later looks share one timer.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #queue: PQueue;
  readonly #state = new Map<string, 'queued' | 'working' | 'again'>();
  readonly #failures = new Map<string, Backoff>();
  readonly #due = new Map<string, number>();
  #signal: AbortSignal = AbortSignal.abort();
  #timer: NodeJS.Timeout | undefined;
  /** What the timer waits for. */
  #armedFor = Number.POSITIVE_INFINITY;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#queue = new PQueue({ concurrency: options.concurrency });
  }

  start(signal: AbortSignal): void {
    this.#signal = signal;
    signal.addEventListener('abort', () => clearTimeout(this.#timer), { once: true });
    for (const key of this.#state.keys()) this.#run(key);
    this.#arm();
  }

  /** Keys that wait or are worked on. */
  get depth(): number {
    return this.#state.size;
  }

  /** Works on a key as soon as there is room. */
  add(key: string): void {
    const state = this.#state.get(key);
    if (state === 'working') this.#state.set(key, 'again');
    if (state !== undefined) return;
    this.#state.set(key, 'queued');
    this.#run(key);
  }

  /** Works on a key after a while, or at its earlier due time if it has one. */
  addAfter(key: string, ms: number): void {
    const due = this.#options.clock.now() + ms;
    if ((this.#due.get(key) ?? Number.POSITIVE_INFINITY) <= due) return;
    this.#due.set(key, due);
    if (due < this.#armedFor) this.#arm();
  }

  #run(key: string): void {
    if (this.#signal.aborted) return;
    void this.#queue.add(() => this.#work(key));
  }

  async #work(key: string): Promise<void> {
    const { work, logger, name } = this.#options;
    if (this.#signal.aborted) return;
    this.#state.set(key, 'working');
    this.#due.delete(key);
    try {
      const again = await work(key, this.#signal);
      this.#failures.delete(key);
      if (again !== undefined) this.addAfter(key, again);
    } catch (error) {
      if (!this.#signal.aborted) {
        const backoff = this.#failures.get(key) ?? createBackoff(250, 30_000);
        this.#failures.set(key, backoff);
        const retryMs = Math.round(backoff.next());
        logger.warn({ queue: name, item: key, retryMs, reason: messageOf(error) }, 'work failed; it is tried again');
        this.addAfter(key, retryMs);
      }
    }
    const changed = this.#state.get(key) === 'again';
    this.#state.delete(key);
    if (changed) this.add(key);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#armedFor = Number.POSITIVE_INFINITY;
    if (this.#signal.aborted || this.#due.size === 0) return;
    this.#armedFor = Math.min(...this.#due.values());
    const waitMs = this.#armedFor - this.#options.clock.now();
    this.#timer = setTimeout(() => this.#release(), Math.min(MAX_TIMER_MS, Math.max(0, waitMs)));
  }

  #release(): void {
    const now = this.#options.clock.now();
    for (const [key, due] of this.#due) {
      if (due > now) continue;
      this.#due.delete(key);
      this.add(key);
    }
    this.#arm();
  }
}
