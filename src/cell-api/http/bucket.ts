/** A token bucket: `perSecond` on average, `burst` at once. */
export interface Bucket {
  /** True when one more is within the limit at this time. */
  take(nowMs: number): boolean;
}

export function createBucket(perSecond: number, burst: number): Bucket {
  let tokens = burst;
  let filledAtMs: number | undefined;
  return {
    take(nowMs) {
      const elapsedMs = Math.max(0, nowMs - (filledAtMs ?? nowMs));
      filledAtMs = nowMs;
      tokens = Math.min(burst, tokens + (elapsedMs / 1000) * perSecond);
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
