import type { DemandHistory } from './demand-history.ts';
import { FadingCounts } from './fading-counts.ts';
import { needsOf } from './levels.ts';
import { addNegativeBinomial, negativeBinomialChance } from './negative-binomial.ts';

const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;

/** Half-lives of the rates that look at the recent past only. */
const HALF_LIVES_S = [MINUTE_S, 4 * MINUTE_S, 15 * MINUTE_S, HOUR_S, 6 * HOUR_S];

/** Rates at the same time of day or week: around it so much to both sides, at so many periods back. */
const SEASONS = [
  { periodS: DAY_S, aroundS: 10 * MINUTE_S, periods: 1 },
  { periodS: DAY_S, aroundS: 15 * MINUTE_S, periods: 3 },
  { periodS: 7 * DAY_S, aroundS: 15 * MINUTE_S, periods: 1 },
] as const;

/** What an expert's record counts after each window: the last few hundred decide. */
const DISCOUNT = 0.99;
const LEAST_WEIGHT = 1e-3;
const DISPERSION_STEP = 0.01;
/** What is left of a lead time in the record of demand as it has been, after another one: half after a day or two. */
const KEEP_WINDOW = 0.9998;

/** Below so many lead times the record says little. */
const LEAST_RECORD = 50;

const RECORD = HALF_LIVES_S.length + SEASONS.length;
const EXPERTS = RECORD + 1;

/**
 * Forecasts the demand over a lead time, bursts aside, as a mixture of experts: recent rates over several memories, rates at the
 * same time of day and week, and demand as it has been all along. Each is a distribution; its weight is its record of log
 * scores, discounted (Bayesian model averaging with forgetting, Raftery et al. 2010). So no one configures a season.
 */
export class SmoothDemand {
  readonly #history: DemandHistory;
  readonly #window: number;
  readonly #binS: number;
  readonly #keep: readonly number[];
  readonly #rates = new Float64Array(HALF_LIVES_S.length);
  readonly #seen = new Float64Array(HALF_LIVES_S.length);
  readonly #logWeights = new Float64Array(EXPERTS);
  readonly #weights = new Float64Array(EXPERTS).fill(1 / EXPERTS);
  readonly #dispersions = new Float64Array(EXPERTS).fill(1.3);
  readonly #means = new Float64Array(EXPERTS);
  /** Demand of whole lead times, and what pods needed, as they have been. */
  readonly #demand: FadingCounts;
  readonly #needs: FadingCounts;
  #meanDemand = 0;
  #forecast: Float64Array | undefined;
  #windowEnds: number | undefined;

  /** @param window bins of one lead time */
  constructor(history: DemandHistory, { window, binS, most }: { window: number; binS: number; most: number }) {
    this.#history = history;
    this.#window = window;
    this.#binS = binS;
    this.#keep = HALF_LIVES_S.map((halfLifeS) => 0.5 ** (binS / halfLifeS));
    // As if nothing had come for one lead time: the first pod is no rate yet.
    this.#keep.forEach((keep, index) => {
      this.#seen[index] = 1 - keep ** window;
    });
    this.#demand = new FadingCounts(most + 1, KEEP_WINDOW);
    this.#needs = new FadingCounts(most + 1, KEEP_WINDOW ** (1 / window));
  }

  /** The mean of the forecast that was made last. */
  get mean(): number {
    return this.#means.reduce((sum, mean, expert) => sum + mean * (this.#weights[expert] as number), 0);
  }

  /** The largest dispersion among experts that count. */
  get dispersion(): number {
    return this.#dispersions.reduce(
      (most, one, expert) => ((this.#weights[expert] as number) < 0.01 ? most : Math.max(most, one)),
      1,
    );
  }

  /** A bin is over, and is in the history; so many came in the lead time before it. */
  seen(bin: number, count: number, before: number): void {
    for (let index = 0; index < this.#keep.length; index += 1) {
      const keep = this.#keep[index] as number;
      this.#rates[index] = (this.#rates[index] as number) * keep + count * (1 - keep);
      this.#seen[index] = (this.#seen[index] as number) * keep + 1 - keep;
    }
    this.#needs.fade();
    for (let place = 1; place <= count; place += 1) this.#needs.add(before + place);
    this.#windowEnds ??= bin + this.#window;
    if (bin + 1 < this.#windowEnds) return;
    this.#score(this.#history.between(bin + 1 - this.#window, bin + 1));
    this.#windowEnds = bin + 1 + this.#window;
    this.#forecast = this.#expect(bin + 1).slice();
  }

  /** The pods a second that need 0, 1, 2, … cells, from a bin on; so many levels. */
  needs(bin: number, levels: number, places: readonly number[]): Float64Array {
    this.#expect(bin);
    const met = new Float64Array(levels);
    for (let expert = 0; expert < EXPERTS; expert += 1) {
      const share = this.#weights[expert] as number;
      if (share < LEAST_WEIGHT || (expert === RECORD && this.#isRecordTold())) continue;
      const mean = this.#means[expert] as number;
      const weight = (share * mean) / (this.#window * this.#binS);
      addNegativeBinomial(met, { weight, mean, dispersion: this.#dispersions[expert] as number });
    }
    const needs = needsOf(met, places);
    if (!this.#isRecordTold()) return needs;
    const factor = (this.#weights[RECORD] as number) / (this.#demand.total * this.#window * this.#binS);
    const length = Math.min(levels, this.#needs.length);
    for (let level = 1; level < length; level += 1)
      needs[level] = (needs[level] as number) + factor * this.#needs.at(level);
    return needs;
  }

  #isRecordTold(): boolean {
    return this.#demand.total >= LEAST_RECORD;
  }

  #expect(bin: number): Float64Array {
    this.#rates.forEach((rate, index) => {
      this.#means[index] = (rate / (this.#seen[index] as number)) * this.#window;
    });
    const recent = this.#means[HALF_LIVES_S.length - 1] as number;
    SEASONS.forEach((season, index) => {
      this.#means[HALF_LIVES_S.length + index] = this.#inSeason(bin, season) ?? recent;
    });
    this.#means[RECORD] = this.#demand.total === 0 ? recent : this.#meanDemand;
    return this.#means;
  }

  #inSeason(bin: number, { periodS, aroundS, periods }: (typeof SEASONS)[number]): number | undefined {
    const around = Math.round(aroundS / this.#binS);
    let sum = 0;
    let known = 0;
    for (let back = 1; back <= periods; back += 1) {
      const from = bin - back * Math.round(periodS / this.#binS) - around;
      if (!this.#history.knows(from)) break;
      sum += this.#history.between(from, from + 2 * around + this.#window);
      known += 1;
    }
    return known === 0 ? undefined : (sum / known / (2 * around + this.#window)) * this.#window;
  }

  #chance(expert: number, mean: number, count: number): number {
    const own = negativeBinomialChance(count, Math.max(mean, 1e-3), this.#dispersions[expert] as number);
    if (expert !== RECORD || !this.#isRecordTold()) return own;
    return 0.95 * (this.#demand.at(count) / this.#demand.total) + 0.05 * own;
  }

  #score(count: number): void {
    this.#forecast?.forEach((mean, expert) => {
      const log = Math.log(1e-12 + this.#chance(expert, mean, count));
      this.#logWeights[expert] = (this.#logWeights[expert] as number) * DISCOUNT + log;
      const surprise = (count - mean) ** 2 / Math.max(mean, 0.2);
      const dispersion = this.#dispersions[expert] as number;
      this.#dispersions[expert] = Math.max(1, dispersion + DISPERSION_STEP * (Math.min(surprise, 200) - dispersion));
    });
    const best = Math.max(...this.#logWeights);
    const raw = this.#logWeights.map((log) => Math.exp(log - best) + 1e-4);
    const total = raw.reduce((sum, weight) => sum + weight, 0);
    this.#weights.set(raw.map((weight) => weight / total));
    this.#demand.fade();
    this.#demand.add(count);
    this.#meanDemand += (count - this.#meanDemand) / this.#demand.total;
  }
}
