import { drawLatency, type Latency, seededRandom } from '../../core/seeded-random.ts';
import type { Workload } from './trace.ts';

/** How pods come: batches at a rate that changes by the second, of sizes that have a law. */
export interface ArrivalProcess {
  /** Batches expected in each second of the trace. */
  readonly batchesBySecond: Float64Array;
  /** The chance that a batch has 1, 2, 3, … pods. */
  readonly batchSizes: readonly number[];
  /** True where the rate is itself drawn at random, so that who knows the law does not know when it will change. */
  readonly isRateRandom?: boolean;
}

const SECOND_MS = 1_000;

/** A draw of the Poisson distribution; in halves where the mean is too large for one product of uniform numbers. */
function drawPoisson(mean: number, random: () => number): number {
  if (mean > 100) return drawPoisson(mean / 2, random) + drawPoisson(mean / 2, random);
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) count += 1;
  return count;
}

function drawSize(sizes: readonly number[], random: () => number): number {
  if (sizes.length === 1) return 1;
  let left = random();
  const index = sizes.findIndex((chance) => {
    left -= chance;
    return left < 0;
  });
  return index < 0 ? sizes.length : index + 1;
}

/** Pods as the process would have them come, the same for the same seed. */
export function drawWorkload(
  { batchesBySecond, batchSizes }: ArrivalProcess,
  { seed, duration, shape }: { readonly seed: number; readonly duration: Latency; readonly shape: string },
): Workload {
  const random = seededRandom(seed);
  const arrivalMs: number[] = [];
  batchesBySecond.forEach((mean, second) => {
    const moments = Array.from({ length: drawPoisson(mean, random) }, () => random()).sort((a, b) => a - b);
    for (const moment of moments) {
      const atMs = (second + moment) * SECOND_MS;
      for (let pod = drawSize(batchSizes, random); pod > 0; pod -= 1) arrivalMs.push(atMs);
    }
  });
  const lengths = seededRandom(seed + 0x7feb352d);
  const durationMs = Float64Array.from(arrivalMs, () => drawLatency(duration, lengths));
  return { shape, arrivalMs: Float64Array.from(arrivalMs), durationMs };
}
