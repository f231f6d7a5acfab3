import { inTimeByLevel, levelsByPrice, needsOf } from '../../../src/warm-pool/policy/levels.ts';
import type { MeasuredStarts } from '../../../src/warm-pool/policy/measured-times.ts';
import type { WarmPoolPolicy } from '../../../src/warm-pool/policy/policy.ts';
import type { StartupSla } from '../../../src/warm-pool/policy/service-level.ts';
import type { ArrivalProcess } from '../../../src/warm-pool/simulation/arrival-process.ts';

const BIN_S = 5;
const READY_SHARE = 0.95;

/** Rates that differ by less are one. */
const STEPS_OF_E = 40;

/** The distribution of the pods in a Poisson number of batches (Panjer's recursion), up to where hardly any are left. */
function compoundPoisson(batches: number, sizes: readonly number[]): Float64Array {
  const mean = batches * sizes.reduce((sum, chance, index) => sum + chance * (index + 1), 0);
  const square = batches * sizes.reduce((sum, chance, index) => sum + chance * (index + 1) ** 2, 0);
  const chances = new Float64Array(Math.ceil(mean + 8 * Math.sqrt(square) + sizes.length) + 2);
  chances[0] = Math.exp(-batches);
  for (let pods = 1; pods < chances.length; pods += 1) {
    let sum = 0;
    for (let size = 1; size <= Math.min(pods, sizes.length); size += 1)
      sum += size * (sizes[size - 1] as number) * (chances[pods - size] as number);
    chances[pods] = (batches / pods) * sum;
  }
  return chances;
}

/** The share of pods that are first, second, … in their batch. */
function placesOf(sizes: readonly number[]): readonly number[] {
  const atLeast = sizes.map((_, index) => sizes.slice(index).reduce((sum, chance) => sum + chance, 0));
  const total = atLeast.reduce((sum, chance) => sum + chance, 0);
  return atLeast.map((chance) => chance / total);
}

/**
 * What a policy that knows the arrival process would hold in each bin, by the number of its price. Where the rate itself is
 * random it knows the rate at each moment, but not when it will change.
 */
export class KnownProcess {
  /** Batches in the lead time from each bin on. */
  readonly #expected: Float64Array;
  readonly #sizes: readonly number[];
  readonly #places: readonly number[];
  readonly #meanSize: number;
  readonly #leadS: number;
  readonly #ahead: number;
  readonly #levels = new Map<number, Uint16Array>();

  constructor(
    { batchesBySecond, batchSizes, isRateRandom }: ArrivalProcess,
    sla: StartupSla,
    { lead, warm }: MeasuredStarts,
  ) {
    const slackMs = Math.max(0, sla.targetMs - warm.quantileMs(0.5));
    this.#leadS = lead.meanBeyondMs(slackMs) / 1_000;
    this.#ahead = Math.max(0, Math.ceil(((lead.quantileMs(READY_SHARE) - slackMs) / 1_000 - this.#leadS) / BIN_S));
    this.#sizes = batchSizes;
    this.#places = placesOf(batchSizes);
    this.#meanSize = batchSizes.reduce((sum, chance, index) => sum + chance * (index + 1), 0);
    const sums = new Float64Array(batchesBySecond.length + 1);
    batchesBySecond.forEach((rate, second) => {
      sums[second + 1] = (sums[second] as number) + rate;
    });
    const last = batchesBySecond.length;
    if (isRateRandom) this.#ahead = 0;
    this.#expected = Float64Array.from({ length: Math.ceil(last / BIN_S) }, (_, bin) => {
      if (isRateRandom) return (batchesBySecond[bin * BIN_S] as number) * Math.round(this.#leadS);
      const to = Math.min(last, bin * BIN_S + Math.round(this.#leadS));
      return (sums[to] as number) - (sums[Math.min(last, bin * BIN_S)] as number);
    });
  }

  /** The policy that holds the best level at a price at all times. */
  at(price: number): WarmPoolPolicy {
    const levels = Float64Array.from(this.#expected, (batches) => this.#levelsFor(batches)[price] as number);
    let bin = 0;
    let inBin = 0;
    const levelIn = (which: number) => {
      const ahead = levels.subarray(which, which + this.#ahead + 1);
      return ahead.length === 0 ? 0 : Math.max(...ahead);
    };
    const turnTo = (nowMs: number) => {
      const now = Math.floor(nowMs / (BIN_S * 1_000));
      if (now !== bin) inBin = 0;
      bin = now;
    };
    return {
      tickMs: BIN_S * 1_000,
      arrived: (nowMs, pods) => {
        turnTo(nowMs);
        inBin += pods;
      },
      started: () => undefined,
      decide: (_, nowMs) => {
        turnTo(nowMs);
        // What came of a burst does not come again.
        const running = Math.max(Math.min(levelIn(bin), levelIn(bin + 1)), levelIn(bin) - inBin);
        return { running, runningAtMost: running, stopped: 0, why: 'the arrival process is known' };
      },
    };
  }

  #levelsFor(batches: number): Uint16Array {
    const key = batches < 1e-9 ? Number.NEGATIVE_INFINITY : Math.round(Math.log(batches) * STEPS_OF_E);
    const known = this.#levels.get(key);
    if (known !== undefined) return known;
    const rate = (batches * this.#meanSize) / this.#leadS;
    const met = compoundPoisson(batches, this.#sizes).map((chance) => chance * rate);
    const levels = levelsByPrice(inTimeByLevel(needsOf(met, this.#places)), 0);
    this.#levels.set(key, levels);
    return levels;
  }
}
