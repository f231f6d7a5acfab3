import type { Clock } from '../../../src/core/clock.ts';
import { abortable } from '../abortable.ts';

export interface RefreshedOptions<T> {
  readonly load: (signal: AbortSignal) => Promise<T>;
  /** So old, it is loaded again behind whoever asks; each time up to a fifth later, so that many do not ask at once. */
  readonly renewAfterMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  /** Told of the first failure of an outage. */
  readonly onFailure: (error: unknown) => void;
}

const JITTER_SHARE = 0.2;
/** Pause before what could not be loaded is loaded again. */
const RETRY_MS = 30_000;
/** A load behind those who ask has nobody's signal. */
const LOAD_DEADLINE_MS = 120_000;

/** A value from afar: loaded when first asked for, then renewed in the background while the last one is used. */
export class Refreshed<T> {
  readonly #options: RefreshedOptions<T>;
  readonly #stopped = new AbortController();
  #value: { readonly loaded: T } | undefined;
  #loading: Promise<T> | undefined;
  #nextMs = 0;
  #failing = false;

  constructor(options: RefreshedOptions<T>) {
    this.#options = options;
  }

  /** The newest value. @throws what loading throws, where there never was one */
  async get(signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    if (this.#value === undefined) return abortable(this.#load(), signal);
    if (this.#options.clock.now() >= this.#nextMs) void this.#load().catch(() => undefined);
    return this.#value.loaded;
  }

  /** The newest value, or undefined where there is none and it can't be loaded. */
  async getOrNone(signal: AbortSignal): Promise<T | undefined> {
    if (this.#value === undefined && this.#options.clock.now() < this.#nextMs) return undefined;
    return this.get(signal).catch((error) => {
      if (signal.aborted) throw error;
      return undefined;
    });
  }

  stop(): void {
    this.#stopped.abort();
  }

  #load(): Promise<T> {
    this.#loading ??= this.#loadOnce().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #loadOnce(): Promise<T> {
    const { load, renewAfterMs, clock, random, onFailure } = this.#options;
    try {
      const loaded = await load(AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(LOAD_DEADLINE_MS)]));
      this.#value = { loaded };
      this.#nextMs = clock.now() + renewAfterMs * (1 + random() * JITTER_SHARE);
      this.#failing = false;
      return loaded;
    } catch (error) {
      this.#nextMs = clock.now() + RETRY_MS * (1 + random() * JITTER_SHARE);
      if (!this.#failing && !this.#stopped.signal.aborted) onFailure(error);
      this.#failing = true;
      throw error;
    }
  }
}
