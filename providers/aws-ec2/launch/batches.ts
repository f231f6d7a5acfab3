import type { Clock } from '../../../src/core/clock.ts';

/** One of those that are launched together. */
export interface Member<T> {
  readonly value: T;
  readonly signal: AbortSignal;
}

interface Waiting<T, R> extends Member<T> {
  readonly settle: PromiseWithResolvers<R>;
}

export interface BatchesOptions<T, R> {
  /** How long the first of a batch waits for others. */
  readonly windowMs: number;
  readonly maxSize: number;
  /** One outcome for each value, in their order. Never throws. */
  readonly run: (kind: string, values: readonly T[]) => Promise<readonly PromiseSettledResult<R>[]>;
  readonly clock: Clock;
}

/** Puts together what is of one kind and comes at about the same time, and gives each its own outcome. */
export class Batches<T, R> {
  readonly #options: BatchesOptions<T, R>;
  readonly #open = new Map<string, Waiting<T, R>[]>();

  constructor(options: BatchesOptions<T, R>) {
    this.#options = options;
  }

  /**
   * Resolves with the outcome of this one. Heeds the signal until its batch is sent: then nobody could tell what came
   * of it.
   */
  async add(kind: string, value: T, signal: AbortSignal): Promise<R> {
    signal.throwIfAborted();
    const settle = Promise.withResolvers<R>();
    const batch = this.#open.get(kind) ?? this.#begin(kind);
    batch.push({ value, signal, settle });
    if (batch.length >= this.#options.maxSize) this.#send(kind, batch);
    return settle.promise;
  }

  #begin(kind: string): Waiting<T, R>[] {
    const batch: Waiting<T, R>[] = [];
    this.#open.set(kind, batch);
    void this.#options.clock.sleep(this.#options.windowMs).then(() => this.#send(kind, batch));
    return batch;
  }

  #send(kind: string, batch: readonly Waiting<T, R>[]): void {
    if (this.#open.get(kind) !== batch) return;
    this.#open.delete(kind);
    for (const { signal, settle } of batch) if (signal.aborted) settle.reject(signal.reason);
    const wanted = batch.filter(({ signal }) => !signal.aborted);
    if (wanted.length === 0) return;
    const values = wanted.map(({ value }) => value);
    void this.#options.run(kind, values).then((outcomes) => {
      for (const [index, { settle }] of wanted.entries()) {
        const outcome = outcomes[index];
        if (outcome?.status === 'fulfilled') settle.resolve(outcome.value);
        else settle.reject(outcome?.reason);
      }
    });
  }
}
