import type { Clock } from '../../src/core/clock.ts';
import { abortable } from './abortable.ts';

export interface CoalescerOptions<K, V> {
  /** How long the first of a batch waits for others. */
  readonly windowMs: number;
  readonly maxKeys: number;
  /** One call for many keys; keys that are missing from its answer have none. */
  readonly run: (keys: readonly K[]) => Promise<ReadonlyMap<K, V>>;
  readonly clock: Clock;
}

interface Batch<K, V> {
  readonly keys: Set<K>;
  readonly answer: Promise<ReadonlyMap<K, V>>;
  readonly close: () => void;
}

/** Makes one call of those that are made for single keys at about the same time. */
export class Coalescer<K, V> {
  readonly #options: CoalescerOptions<K, V>;
  #open: Batch<K, V> | undefined;

  constructor(options: CoalescerOptions<K, V>) {
    this.#options = options;
  }

  /** The answer for one key. @throws what the call throws; the signal's reason for this caller alone */
  async get(key: K, signal: AbortSignal): Promise<V | undefined> {
    signal.throwIfAborted();
    const batch = this.#open ?? this.#begin();
    batch.keys.add(key);
    if (batch.keys.size >= this.#options.maxKeys) batch.close();
    return (await abortable(batch.answer, signal)).get(key);
  }

  #begin(): Batch<K, V> {
    const { windowMs, run, clock } = this.#options;
    const keys = new Set<K>();
    const { promise: full, resolve: close } = Promise.withResolvers<void>();
    const answer = Promise.race([clock.sleep(windowMs), full]).then(() => {
      if (this.#open === batch) this.#open = undefined;
      return run([...keys]);
    });
    // Those who asked are told; that all of them have given up is no failure of anybody.
    answer.catch(() => undefined);
    const batch: Batch<K, V> = {
      keys,
      answer,
      close: () => {
        if (this.#open === batch) this.#open = undefined;
        close();
      },
    };
    this.#open = batch;
    return batch;
  }
}
