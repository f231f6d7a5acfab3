import { Arrivals } from './marks.ts';

/** What all hollow machines of a process share. */
export class HollowFleet {
  readonly arrivals = new Arrivals();
  #watches = 0;
  #proxied = false;
  readonly #changed = new Set<() => void>();

  /** Watches that are open now, of all machines. */
  get watches(): number {
    return this.#watches;
  }

  /** How often lists and watches have failed, by reason; the reasons of a run are few. */
  readonly failures = new Map<string, number>();

  readonly onFailure = (reason: string): void => {
    this.failures.set(reason, (this.failures.get(reason) ?? 0) + 1);
  };

  readonly onWatching = (watching: boolean): void => {
    this.#watches += watching ? 1 : -1;
  };

  /** Gives every machine a kube-proxy, or takes it away. */
  setProxied(proxied: boolean): void {
    this.#proxied = proxied;
    for (const changed of this.#changed) changed();
  }

  /** Runs the work whenever machines have a kube-proxy, until the signal aborts; its signal then ends each run. */
  async whileProxied(signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      const run = new AbortController();
      const change = new Promise<void>((resolve) => {
        const settle = () => {
          this.#changed.delete(settle);
          signal.removeEventListener('abort', settle);
          resolve();
        };
        this.#changed.add(settle);
        signal.addEventListener('abort', settle, { once: true });
      });
      const working = this.#proxied ? work(AbortSignal.any([signal, run.signal])) : Promise.resolve();
      await change;
      run.abort();
      await working.catch(() => undefined);
    }
  }
}
