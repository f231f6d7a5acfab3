import type { Clock } from '../core/clock.ts';

interface Lasting<T> {
  readonly value: T;
  readonly ttlMs: number;
}

/** Answers that are kept for a while, at most `maxEntries` of them, each loaded once however many ask for it. */
export interface ExpiringCache<T> {
  /** The kept answer, or the loader's; a rejection is passed on and not kept. */
  get(key: string, load: () => Promise<Lasting<T>>): Promise<T>;
  readonly size: number;
}

interface Entry<T> {
  readonly value: Promise<T>;
  expiresAtMs: number;
}

/** An empty cache; when full, what has expired makes room first, then what was loaded longest ago. */
export function createExpiringCache<T>(clock: Clock, maxEntries: number): ExpiringCache<T> {
  const entries = new Map<string, Entry<T>>();

  function makeRoom(): void {
    if (entries.size < maxEntries) return;
    const now = clock.now();
    for (const [key, entry] of entries) if (entry.expiresAtMs <= now) entries.delete(key);
    const oldest = entries.keys().next();
    if (entries.size >= maxEntries && !oldest.done) entries.delete(oldest.value);
  }

  function begin(key: string, load: () => Promise<Lasting<T>>): Entry<T> {
    const loading = Promise.resolve().then(load);
    const entry: Entry<T> = { value: loading.then(({ value }) => value), expiresAtMs: Number.POSITIVE_INFINITY };
    loading.then(
      ({ ttlMs }) => {
        entry.expiresAtMs = clock.now() + ttlMs;
      },
      () => {
        if (entries.get(key) === entry) entries.delete(key);
      },
    );
    return entry;
  }

  return {
    get(key, load) {
      const kept = entries.get(key);
      if (kept !== undefined && kept.expiresAtMs > clock.now()) return kept.value;
      entries.delete(key);
      makeRoom();
      const entry = begin(key, load);
      entries.set(key, entry);
      return entry.value;
    },
    get size() {
      return entries.size;
    },
  };
}
