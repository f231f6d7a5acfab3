/** A token bucket: `perSecond` on average, `burst` at once. */
export interface Bucket {
  /** True when so much more (one unless given) is within the limit at this time; otherwise nothing is taken. */
  take(nowMs: number, amount?: number): boolean;
  /** Takes what has been had already, into debt where need be; false while in debt. */
  charge(nowMs: number, amount: number): boolean;
  /** True when it is as good as a new one. */
  isFull(nowMs: number): boolean;
}

/** A burst that is a function may change over time. */
export function createBucket(perSecond: number, burst: number | (() => number)): Bucket {
  const most = typeof burst === 'number' ? () => burst : burst;
  let used = 0;
  let settledAtMs: number | undefined;
  function settle(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - (settledAtMs ?? nowMs));
    settledAtMs = nowMs;
    used = Math.max(0, used - (elapsedMs / 1000) * perSecond);
  }
  return {
    take(nowMs, amount = 1) {
      settle(nowMs);
      if (used + amount > most()) return false;
      used += amount;
      return true;
    },
    charge(nowMs, amount) {
      settle(nowMs);
      // Held against nobody for longer than a burst takes to come back.
      const within = used + amount <= most();
      used = Math.min(used + amount, 2 * most());
      return within;
    },
    isFull(nowMs) {
      settle(nowMs);
      return used === 0;
    },
  };
}
