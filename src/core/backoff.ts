/** Growing delays with full jitter on their upper half. */
export interface Backoff {
  /** The next delay in milliseconds; each call grows it. */
  next(): number;
  reset(): void;
}

/** Delays of `minMs`, doubled up to `maxMs`, each shortened by up to half at random. */
export function createBackoff(minMs: number, maxMs: number, random: () => number = Math.random): Backoff {
  let failures = 0;
  return {
    next() {
      const ceiling = Math.min(maxMs, minMs * 2 ** failures);
      failures = Math.min(failures + 1, 30);
      return ceiling * (1 - random() / 2);
    },
    reset() {
      failures = 0;
    },
  };
}
