import { DemandHistory } from './demand-history.ts';

const HOUR_S = 3_600;
const DAY_S = 86_400;

/** Bursts come again after an hour, a day or a week; the last so many times are looked at. */
const RHYTHMS = [
  { name: 'hour', periodS: HOUR_S, times: 4 },
  { name: 'day', periodS: DAY_S, times: 3 },
  { name: 'week', periodS: 7 * DAY_S, times: 1 },
] as const;

/** A burst may come this many bins late. */
const LATE = 2;
const FORGET = 0.98;

/** How fast the share of time with bursts, whatever their rhythm, is learned. */
const USUAL_STEP = 5e-4;

/** A rhythm that says this little more than chance would is none. */
const LEAST_CHANCE = 0.02;

/** A burst that may come. */
export interface ExpectedBurst {
  readonly chance: number;
  readonly pods: number;
  /** After which time it came before, in words. */
  readonly every: string;
}

interface Rhythm {
  readonly name: string;
  readonly period: number;
  readonly times: number;
  /** By how often it came in the last times: how often it came then, and did not. */
  readonly came: number[];
  readonly missed: number[];
}

/**
 * Learns of bursts that come again at the same minute of the hour, the day or the week, as schedules make them. How far a rhythm
 * is to be believed is counted, apart for bursts that came once, twice, … of the last times.
 */
export class ExpectedBursts {
  readonly #bursts: DemandHistory;
  readonly #window: number;
  readonly #rhythms: readonly Rhythm[];
  /** The chance of a burst at any time. */
  #usual = 0;

  constructor({ window, binS, bins }: { readonly window: number; readonly binS: number; readonly bins: number }) {
    this.#bursts = new DemandHistory(bins);
    this.#window = window;
    this.#rhythms = RHYTHMS.map(({ name, periodS, times }) => ({
      name,
      times,
      period: Math.round(periodS / binS),
      // A start without data: once seen is half believed, seen always nearly.
      came: Array.from({ length: times + 1 }, (_, often) => (2 * (often + 0.2)) / (times + 0.4)),
      missed: Array.from({ length: times + 1 }, (_, often) => (2 * (times - often + 0.2)) / (times + 0.4)),
    }));
  }

  /** A bin is over: so many pods came in it beyond what is usual, 0 where it was no burst. */
  seen(bin: number, pods: number): void {
    this.#bursts.add(bin, pods);
    const judged = bin - LATE;
    const didCome = this.#bursts.between(judged - 1, bin + 1) > 0;
    this.#usual += USUAL_STEP * (Number(didCome) - this.#usual);
    for (const rhythm of this.#rhythms) {
      const often = this.#often(rhythm, judged, 1);
      if (often === 0) continue;
      const [up, other] = didCome ? [rhythm.came, rhythm.missed] : [rhythm.missed, rhythm.came];
      up[often] = (up[often] as number) * FORGET + 1;
      other[often] = (other[often] as number) * FORGET;
    }
  }

  /** How many pods of a burst are expected in one bin; none unless it is more likely than not. */
  podsIn(bin: number): number {
    const expected = this.#expectedIn(bin - 1, bin + 2, 0);
    return expected === undefined || expected.chance < 0.5 ? 0 : expected.pods;
  }

  /**
   * The burst to expect within one lead time from a bin on, or from up to `ahead` bins later on; what came of it already is not
   * expected any more.
   * @param came how many pods came beyond the usual in the bins [bin − late, bin)
   */
  expected(bin: number, ahead: number, came: (late: number) => number): ExpectedBurst | undefined {
    let best: ExpectedBurst | undefined;
    for (let offset = -LATE; offset <= ahead; offset += 1) {
      const found = this.#expectedIn(bin + offset, bin + offset + this.#window, offset < 0 ? came(-offset) : 0);
      if (found !== undefined && found.chance * found.pods > (best?.chance ?? 0) * (best?.pods ?? 0)) best = found;
    }
    return best;
  }

  #expectedIn(from: number, to: number, came: number): ExpectedBurst | undefined {
    let best: ExpectedBurst | undefined;
    for (const rhythm of this.#rhythms) {
      let often = 0;
      let sum = 0;
      for (let back = 1; back <= rhythm.times; back += 1) {
        const pods = this.#bursts.between(from - back * rhythm.period, to - back * rhythm.period);
        often += Number(pods > 0);
        sum += pods;
      }
      if (often === 0) continue;
      const chance = this.#beyondUsual(rhythm.came[often] as number, rhythm.missed[often] as number);
      const pods = sum / often - came;
      if (pods > 0.5 && chance > LEAST_CHANCE && chance > (best?.chance ?? 0))
        best = { chance, pods, every: rhythm.name };
    }
    return best;
  }

  /** How much likelier a burst is than at any time: bursts that come anyway are in the forecast of demand already. */
  #beyondUsual(came: number, missed: number): number {
    return (came / (came + missed) - this.#usual) / (1 - this.#usual);
  }

  #often(rhythm: Rhythm, bin: number, bins: number): number {
    let often = 0;
    for (let back = 1; back <= rhythm.times; back += 1) {
      const from = bin - back * rhythm.period;
      often += Number(this.#bursts.between(from, from + bins) > 0);
    }
    return often;
  }
}
