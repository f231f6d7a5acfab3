import { seededRandom } from '../../core/seeded-random.ts';
import type { ArrivalProcess } from './arrival-process.ts';

/** What a generator is asked for. */
export interface GeneratorOptions {
  readonly days: number;
  /** Pods a day on average, what comes on top of the usual (jobs, crowds) aside. */
  readonly podsPerDay: number;
  readonly seed: number;
}

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
const ONE = [1];

/** A rate for each second, scaled to so many pods a day. */
function scaled(options: GeneratorOptions, meanSize: number, shape: (second: number) => number): Float64Array {
  const rates = Float64Array.from({ length: Math.round(options.days * DAY_S) }, (_, second) => shape(second));
  const total = rates.reduce((sum, rate) => sum + rate, 0);
  const factor = (options.podsPerDay * options.days) / (total * meanSize);
  return rates.map((rate) => rate * factor);
}

/** So many pods within a few seconds of a moment, as CronJobs of the same schedule make them. */
function addJob(rates: Float64Array, atS: number, pods: number, spreadS = 8): void {
  for (let second = atS; second < Math.min(rates.length, atS + spreadS); second += 1)
    rates[second] = (rates[second] as number) + pods / spreadS;
}

/** Adds jobs at a phase of each period. */
function addJobs(rates: Float64Array, [everyS, phaseS, pods]: readonly [number, number, number]): void {
  for (let atS = phaseS; atS < rates.length; atS += everyS) addJob(rates, atS, pods);
}

function meanOf(sizes: readonly number[]): number {
  return sizes.reduce((sum, chance, index) => sum + chance * (index + 1), 0);
}

/** Sizes with chances in proportion to size^−(1 + tail), up to a limit. */
function paretoSizes(tail: number, most: number): readonly number[] {
  const weights = Array.from({ length: most }, (_, index) => (index + 1) ** -(1 + tail));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** One peak in the afternoon and a quiet night; two days of seven are quieter. */
function dayShape(second: number): number {
  const hour = (second % DAY_S) / HOUR_S;
  const isWeekend = Math.floor(second / DAY_S) % 7 >= 5;
  return Math.exp(2 * (Math.cos((2 * Math.PI * (hour - 14)) / 24) - 1)) * (isWeekend ? 0.4 : 1);
}

/** Work from 8 to 18 with a break at noon, hardly anything at night, little on two days of seven. */
function officeShape(second: number): number {
  const hour = (second % DAY_S) / HOUR_S;
  const isWeekend = Math.floor(second / DAY_S) % 7 >= 5;
  const at = (peak: number, width: number) => Math.exp(-(((hour - peak) / width) ** 2) / 2);
  return 0.03 + (at(10, 1.3) + 0.9 * at(15, 1.7)) * (isWeekend ? 0.1 : 1);
}

const QUIET_S = 2 * HOUR_S;
const BUSY_S = 25 * 60;
const BUSY_TIMES = 12;

/** Quiet and busy spells of random length, as by a Markov-modulated Poisson process of two states. */
function spells(options: GeneratorOptions): Float64Array {
  const random = seededRandom(options.seed + 0x68e31da4);
  let isBusy = false;
  let untilS = 0;
  return scaled(options, 1, (second) => {
    while (second >= untilS) {
      isBusy = untilS === 0 ? false : !isBusy;
      untilS += -Math.log(1 - random()) * (isBusy ? BUSY_S : QUIET_S) + 1;
    }
    return isBusy ? BUSY_TIMES : 1;
  });
}

const CROWDS_PER_WEEK = 3;
const CROWD_TIMES = 30;
const CROWD_FADES_S = 15 * 60;

/** Steady but for a few crowds a week that come at random, at once, and fade. */
function crowds(options: GeneratorOptions): Float64Array {
  const random = seededRandom(options.seed + 0x3c6ef372);
  const starts = Array.from(
    { length: Math.ceil((options.days / 7) * CROWDS_PER_WEEK) },
    () => random() * options.days * DAY_S,
  );
  const usual = options.podsPerDay / DAY_S;
  return Float64Array.from({ length: Math.round(options.days * DAY_S) }, (_, second) =>
    starts.reduce((rate, startS) => {
      const sinceS = second - startS;
      return sinceS < 0 ? rate : rate + usual * CROWD_TIMES * Math.exp(-sinceS / CROWD_FADES_S);
    }, usual),
  );
}

function withJobs(
  options: GeneratorOptions,
  jobs: readonly (readonly [everyS: number, phaseS: number, pods: number])[],
): ArrivalProcess {
  const rates = scaled(options, 1, () => 1);
  for (const job of jobs) addJobs(rates, job);
  return { batchesBySecond: rates, batchSizes: ONE };
}

const HEAVY = paretoSizes(1.4, 100);
const DEPLOYMENTS = [0.5, 0.1, 0.2, 0.02, 0.08, 0.02, 0.02, 0.01, 0.01, 0.04];

/** Ways in which pods come, by name. */
export const GENERATORS = {
  poisson: (options) => ({ batchesBySecond: scaled(options, 1, () => 1), batchSizes: ONE }),
  diurnal: (options) => ({ batchesBySecond: scaled(options, 1, dayShape), batchSizes: ONE }),
  office: (options) => ({ batchesBySecond: scaled(options, 1, officeShape), batchSizes: ONE }),
  cron: (options) =>
    withJobs(options, [
      [HOUR_S, 3, 12],
      [DAY_S, 2 * HOUR_S + 1, 60],
      [DAY_S, 6.5 * HOUR_S + 2, 30],
    ]),
  'weekly-cron': (options) =>
    withJobs(options, [
      [900, 301, 6],
      [DAY_S, 4.25 * HOUR_S + 3, 40],
      [7 * DAY_S, 3 * DAY_S + 9 * HOUR_S + 1, 150],
    ]),
  spells: (options) => ({ batchesBySecond: spells(options), batchSizes: ONE, isRateRandom: true }),
  'flash-crowd': (options) => ({ batchesBySecond: crowds(options), batchSizes: ONE, isRateRandom: true }),
  'heavy-tail': (options) => ({ batchesBySecond: scaled(options, meanOf(HEAVY), () => 1), batchSizes: HEAVY }),
  deployments: (options) => ({
    batchesBySecond: scaled(options, meanOf(DEPLOYMENTS), dayShape),
    batchSizes: DEPLOYMENTS,
  }),
} as const satisfies Readonly<Record<string, (options: GeneratorOptions) => ArrivalProcess>>;

export type GeneratorName = keyof typeof GENERATORS;

export const GENERATOR_NAMES = Object.keys(GENERATORS) as readonly GeneratorName[];
