/** Uniform numbers in [0, 1), the same for the same seed. Mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A latency as measurements report it. Equal percentiles make it constant. */
export interface Latency {
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** The 95th percentile of the standard normal distribution. */
const Z95 = 1.6448536269514722;

/** One draw of the log-normal distribution with these percentiles, in milliseconds. */
export function drawLatency({ p50Ms, p95Ms }: Latency, random: () => number): number {
  if (p50Ms <= 0) return 0;
  const sigma = Math.log(Math.max(1, p95Ms / p50Ms)) / Z95;
  // Box-Muller; 1 - random() is never 0.
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return p50Ms * Math.exp(sigma * normal);
}
