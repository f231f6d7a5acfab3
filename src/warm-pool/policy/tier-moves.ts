/** How many cells of a pool wait for pods, and in which tier. */
export interface TierStock {
  readonly ready: number;
  /** On their way to a kubelet that is Ready. */
  readonly booting: number;
  /** Of those, with machines that were stopped before. */
  readonly resuming: number;
  readonly stopped: number;
  /** Of the stopped ones, those that are to be replaced. */
  readonly old: number;
}

export interface TierTargets {
  /** Cells whose machines run. */
  readonly running: number;
  readonly stopped: number;
  /** More stopped cells than this end. Never below `stopped`. */
  readonly stoppedAtMost: number;
}

/** What brings a stock to its targets. */
export interface TierMoves {
  /** Stopped cells to start. */
  readonly resume: number;
  /** New cells. */
  readonly order: number;
  /** Ready cells to stop. */
  readonly stop: number;
  /** Stopped cells to end, the oldest first. */
  readonly end: number;
}

function within(value: number, most: number): number {
  return Math.max(0, Math.min(value, most));
}

/**
 * A base-stock policy of two echelons: stopped cells are started as running ones are claimed, and the sum of both is what is
 * ordered up to. What boots for the stopped tier does not count to the running one: a stopped cell is there before it. The
 * successor of an old one is stopped before that ends.
 */
export function tierMoves(stock: TierStock, targets: TierTargets): TierMoves {
  const { ready, booting, resuming, stopped, old } = stock;
  const resume = within(targets.running - ready - resuming, stopped);
  const left = stopped - resume;
  const wanted = targets.stopped + (old > 0 && targets.stopped > 0 ? 1 : 0);
  const order = Math.max(0, targets.running + wanted - ready - booting - stopped);
  const stop = within(wanted - left, ready - targets.running);
  const replaced = within(left - targets.stopped, old);
  return { resume, order, stop, end: Math.max(replaced, left - Math.max(targets.stoppedAtMost, wanted), 0) };
}
