const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** npm passes on the signal that the terminal has sent already; that is one wish, not two. */
const SAME_WISH_MS = 500;

/** Thrown by whatever is under way when a person or the system ends the demo. */
export class Interrupted extends Error {
  readonly by: NodeJS.Signals;

  constructor(by: NodeJS.Signals) {
    super(`interrupted by ${by}`);
    this.name = 'Interrupted';
    this.by = by;
  }
}

/** The wish to end the demo, for as long as it is listened for. */
export interface Interruption {
  /** Aborts with an `Interrupted` at the first signal. */
  readonly signal: AbortSignal;
  /** Calls back at each further one, and at the first, too, when it comes while this listens. */
  onSignal(listener: (by: NodeJS.Signals, first: boolean) => void): () => void;
  stop(): void;
}

/** Listens for SIGINT, SIGTERM and SIGHUP; none of them ends the process from now on. */
export function listenForInterruption(source: NodeJS.EventEmitter = process, now = Date.now): Interruption {
  const controller = new AbortController();
  const listeners = new Set<(by: NodeJS.Signals, first: boolean) => void>();
  let lastMs = Number.NEGATIVE_INFINITY;
  const take = (by: NodeJS.Signals) => {
    const first = !controller.signal.aborted;
    const repeated = now() - lastMs < SAME_WISH_MS;
    lastMs = now();
    if (!first && repeated) return;
    if (first) controller.abort(new Interrupted(by));
    for (const listener of listeners) listener(by, first);
  };
  for (const name of SIGNALS) source.on(name, take);
  return {
    signal: controller.signal,
    onSignal(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop() {
      for (const name of SIGNALS) source.off(name, take);
    },
  };
}
