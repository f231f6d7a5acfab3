/** A token bucket: `perSecond` on average, `burst` at once. */
export interface Bucket {
  /** True when so much more (one unless given) is within the limit at this time. */
  take(nowMs: number, amount?: number): boolean;
}

export function createBucket(perSecond: number, burst: number): Bucket {
  let tokens = burst;
  let filledAtMs: number | undefined;
  return {
    take(nowMs, amount = 1) {
      const elapsedMs = Math.max(0, nowMs - (filledAtMs ?? nowMs));
      filledAtMs = nowMs;
      tokens = Math.min(burst, tokens + (elapsedMs / 1000) * perSecond);
      if (tokens < amount) return false;
      tokens -= amount;
      return true;
    },
  };
}
