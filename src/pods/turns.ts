import PQueue from 'p-queue';

/** Work under keys, one after the other under each. */
export class Turns {
  readonly #queues = new Map<string, PQueue>();

  /** Does work when what came before it under the key is done. */
  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(key) ?? new PQueue({ concurrency: 1 });
    this.#queues.set(key, queue);
    try {
      return await queue.add(work);
    } finally {
      if (queue.size === 0 && queue.pending === 0) this.#queues.delete(key);
    }
  }
}
