import type { Logger } from 'pino';
import type { Clock } from '../../core/clock.ts';
import type { KubeClient } from '../../kube/client.ts';
import { type Collection, startCollection } from '../../kube/collection.ts';
import type { KubeObject } from '../../kube/objects.ts';
import { notReady } from '../http/refusal.ts';

export interface SharedWatchesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a collection is kept after its last user; for ever when absent. */
  readonly lingerMs?: number;
}

export interface WatchSource {
  readonly client: KubeClient;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
}

/** A use of a shared collection; release it once. */
export interface Lease {
  readonly collection: Collection<KubeObject>;
  release(): void;
}

interface Entry {
  readonly collection: Collection<KubeObject>;
  readonly abort: AbortController;
  users: number;
  idleSinceMs: number;
}

/** A few seconds are well within a kubelet's own patience for a list (1 s waits in its Secret manager repeat). */
const SYNC_TIMEOUT_MS = 5_000;

/** One upstream list-watch per distinct source, however many cells read it. */
export class SharedWatches {
  readonly #options: SharedWatchesOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #stopped = new AbortController();

  constructor(options: SharedWatchesOptions) {
    this.#options = options;
  }

  /** Starts the source's watch unless it runs. */
  acquire(source: WatchSource): Lease {
    const key = `${source.path}?${new URLSearchParams({ ...source.query })}`;
    const entry = this.#entries.get(key) ?? this.#open(key, source);
    entry.users += 1;
    let released = false;
    return {
      collection: entry.collection,
      release: () => {
        if (released) return;
        released = true;
        entry.users -= 1;
        entry.idleSinceMs = this.#options.clock.now();
      },
    };
  }

  /** Like `acquire`, once a first list has come. @throws Refusal 503 when it takes too long */
  async acquireSynced(source: WatchSource, signal: AbortSignal): Promise<Lease> {
    const lease = this.acquire(source);
    try {
      await this.#synced(lease.collection, signal);
      return lease;
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  async #synced(collection: Collection<KubeObject>, signal: AbortSignal): Promise<void> {
    if (collection.synced) return;
    const settled = new AbortController();
    const timeout = this.#options.clock
      .sleep(SYNC_TIMEOUT_MS, AbortSignal.any([signal, settled.signal]))
      .then(() => 'late' as const);
    timeout.catch(() => undefined);
    try {
      const winner = await Promise.race([collection.whenSynced, timeout]);
      if (winner === 'late') throw notReady('the API server has not answered the provider yet');
    } finally {
      settled.abort();
    }
  }

  /** Called about once a second: ends what nobody has used for a while. */
  tick(): void {
    const { clock, lingerMs } = this.#options;
    if (lingerMs === undefined) return;
    for (const [key, entry] of this.#entries) {
      if (entry.users > 0 || clock.now() - entry.idleSinceMs < lingerMs) continue;
      entry.abort.abort();
      this.#entries.delete(key);
    }
  }

  stop(): void {
    this.#stopped.abort();
    this.#entries.clear();
  }

  #open(key: string, source: WatchSource): Entry {
    const { clock, logger } = this.#options;
    const abort = new AbortController();
    const signal = AbortSignal.any([abort.signal, this.#stopped.signal]);
    const collection = startCollection<KubeObject>({ ...source, clock, logger }, signal);
    const entry: Entry = { collection, abort, users: 0, idleSinceMs: clock.now() };
    this.#entries.set(key, entry);
    return entry;
  }
}
