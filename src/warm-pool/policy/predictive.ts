import { BatchSizes } from './batch-sizes.ts';
import { DemandHistory } from './demand-history.ts';
import { type ExpectedBurst, ExpectedBursts } from './expected-bursts.ts';
import { inTimeByLevel, levelOfShare, levelsByPrice, PRICES } from './levels.ts';
import type { MeasuredStarts } from './measured-times.ts';
import { addNegativeBinomial } from './negative-binomial.ts';
import type { Desired, WarmPoolPolicy } from './policy.ts';
import { PriceSteering } from './price-steering.ts';
import type { RequiredHitRate, StartupSla } from './service-level.ts';
import { SmoothDemand } from './smooth-demand.ts';
import { chooseTier, type TierChoice } from './tier.ts';

/** What a pool that sizes itself is asked for. */
export interface PredictiveOptions {
  readonly sla: StartupSla;
  readonly starts: MeasuredStarts;
  readonly min: number;
  readonly max: number;
  /** Whether the provider can stop and start cells. */
  readonly hasStopped: boolean;
}

/** Lengths of a bin in seconds that an hour is a multiple of. */
const BINS_S = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60];
const BINS_OF_A_LEAD = 5;
const HISTORY_S = 8 * 86_400 + 7_200;

/** Cells stay at least this long after they were wanted: less is billed all the same. */
const HOLD_S = 60;

/** Cells for a burst are ready before it with this chance. */
const READY_SHARE = 0.95;

/** No hour is given up: where more than so many pods an hour are expected, this share of what the SLA allows late is the most. */
const FLOOR_PODS_PER_HOUR = 10;
const LATE_TIMES = 4;

/** Variance over mean of the size of a burst that came before. */
const BURST_DISPERSION = 1.3;

/** Demand beyond this is not told apart. */
const MOST_LEVEL = 2_000;

/**
 * Sizes a pool by the SLA: a level that is right for the demand that is forecast over one lead time, at one price of a late pod
 * at all hours, which is set so that the share in time is what the SLA states.
 */
export class PredictivePolicy implements WarmPoolPolicy {
  readonly tickMs: number;
  readonly #options: PredictiveOptions;
  readonly #choice: TierChoice;
  readonly #hitRate: number;
  readonly #binS: number;
  readonly #window: number;
  readonly #ahead: number;
  readonly #counts: DemandHistory;
  readonly #usual: DemandHistory;
  readonly #smooth: SmoothDemand;
  readonly #bursts: ExpectedBursts;
  readonly #batches = new BatchSizes();
  readonly #steering: PriceSteering;
  readonly #levels: Uint16Array[] = [];
  readonly #held: number[] = [];
  #bin: number | undefined;
  #inBin = 0;
  #min: number;
  #max: number;
  #level: number;
  #steadyLevel = 0;
  #burst: ExpectedBurst | undefined;
  #why = '';

  constructor(options: PredictiveOptions) {
    const { sla, starts, min, max, hasStopped } = options;
    this.#options = options;
    this.#choice = chooseTier(sla, starts, hasStopped);
    this.#hitRate = this.#choice.needed.kind === 'rate' ? this.#choice.needed.rate : 0;
    const slackMs = Math.max(0, sla.targetMs - this.#choice.hit.quantileMs(0.5));
    const leadS = Math.max(1, this.#choice.lead.meanBeyondMs(slackMs) / 1_000);
    this.#binS = BINS_S.findLast((seconds) => seconds <= leadS / BINS_OF_A_LEAD) ?? 1;
    this.#window = Math.max(1, Math.round(leadS / this.#binS));
    const latestS = (this.#choice.lead.quantileMs(READY_SHARE) - slackMs) / 1_000;
    this.#ahead = Math.max(1, Math.ceil(latestS / this.#binS) - this.#window + 1);
    this.tickMs = this.#binS * 1_000;
    const bins = Math.ceil(HISTORY_S / this.#binS);
    this.#counts = new DemandHistory(this.#window * 4);
    this.#usual = new DemandHistory(bins);
    this.#smooth = new SmoothDemand(this.#usual, { window: this.#window, binS: this.#binS, most: MOST_LEVEL });
    this.#bursts = new ExpectedBursts({ window: this.#window, binS: this.#binS, bins });
    this.#steering = new PriceSteering(this.#binS);
    this.#min = min;
    this.#max = max;
    this.#level = min;
  }

  /** What the SLA asks of a pool, by the starts that were measured. */
  get needed(): RequiredHitRate {
    return this.#choice.needed;
  }

  /** From now on it holds so many at least, and at most. */
  limit(min: number, max: number): void {
    this.#min = min;
    this.#max = max;
    this.#level = this.#within(this.#level);
    this.#steadyLevel = Math.min(this.#level, this.#within(this.#steadyLevel));
  }

  arrived(nowMs: number, pods: number): void {
    this.#advance(nowMs);
    this.#inBin += pods;
    this.#batches.came(pods);
  }

  started(_nowMs: number, startMs: number): void {
    const { targetMs, percentile } = this.#options.sla;
    this.#steering.started(startMs <= targetMs, percentile, this.#batches.clump);
  }

  decide(_state: unknown, nowMs: number): Desired {
    this.#advance(nowMs);
    const min = this.#min;
    if (this.#choice.needed.kind !== 'rate')
      return { running: min, runningAtMost: min, stopped: 0, why: this.#whyFixed() };
    // Pods of a burst that came in this bin are not to come again.
    const level = Math.max(this.#steadyLevel, this.#level - this.#inBin);
    const why = this.#why;
    if (this.#choice.tier === 'stopped') return { running: 0, runningAtMost: 0, stopped: level, why };
    const atMost = Math.max(level, this.#within(Math.max(...this.#held)));
    return { running: level, runningAtMost: atMost, stopped: 0, why };
  }

  /** Closes the bins that are over. */
  #advance(nowMs: number): void {
    const bin = Math.floor(nowMs / this.tickMs);
    this.#bin ??= bin;
    for (; this.#bin < bin; this.#bin += 1) {
      this.#close(this.#bin, this.#inBin);
      this.#inBin = 0;
    }
  }

  #close(bin: number, pods: number): void {
    const before = this.#counts.between(bin - this.#window, bin);
    this.#counts.add(bin, pods);
    const levels = this.#levels.length >= this.#window ? this.#levels.shift() : this.#levels[0];
    if (levels !== undefined) this.#steering.seen(pods, before, levels);
    const perBin = this.#smooth.mean / this.#window;
    const foreseen = Math.min(pods, Math.round(this.#bursts.podsIn(bin)));
    const isBurst = pods > perBin + 4 * Math.sqrt(this.#smooth.dispersion * perBin) + 2;
    this.#bursts.seen(bin, isBurst ? pods - Math.round(perBin) : 0);
    const usualBefore = this.#usual.between(bin - this.#window, bin);
    this.#usual.add(bin, pods - foreseen);
    this.#smooth.seen(bin, pods - foreseen, usualBefore);
    this.#plan(bin + 1);
  }

  /** Sets the level for the next bin. */
  #plan(bin: number): void {
    const perBin = this.#smooth.mean / this.#window;
    const came = (late: number) => Math.max(0, this.#counts.between(bin - late, bin) - late * perBin);
    const burst = this.#bursts.expected(bin, this.#ahead, came);
    const { mean } = this.#smooth;
    const size = Math.min(MOST_LEVEL, Math.ceil(4 * (mean + (burst?.pods ?? 0)) + 12 * this.#smooth.dispersion + 20));
    const needs = this.#smooth.needs(bin, size + 1, this.#batches.places());
    const steady = inTimeByLevel(needs);
    const inTime = burst === undefined ? steady : inTimeByLevel(this.#withBurst(needs, burst));
    const levels = levelsByPrice(inTime, this.#floor(inTime));
    this.#levels.push(levels);
    this.#steering.expected(this.#binS, inTime, levels);
    const price = this.#steering.priceFor(this.#hitRate);
    this.#level = this.#within(levels[price] as number);
    this.#burst = burst;
    const steadyLevels = burst === undefined ? levels : levelsByPrice(steady, this.#floor(steady));
    this.#steadyLevel = Math.min(this.#level, this.#within(steadyLevels[price] as number));
    this.#why = this.#explain(price);
    this.#held.push(this.#level);
    if (this.#held.length > HOLD_S / this.#binS) this.#held.shift();
  }

  /** Adds what the pods of a burst need: they come on top of what is there on average. */
  #withBurst(needs: Float64Array, { chance, pods }: ExpectedBurst): Float64Array {
    const sizes = new Float64Array(needs.length);
    addNegativeBinomial(sizes, { weight: 1, mean: pods, dispersion: BURST_DISPERSION });
    const from = Math.round(this.#smooth.mean);
    const each = chance / (this.#window * this.#binS);
    let atLeast = 1;
    return needs.map((rate, level) => {
      if (level <= from) return rate;
      atLeast -= sizes[level - from - 1] as number;
      return rate + each * Math.max(0, atLeast);
    });
  }

  #within(level: number): number {
    return Math.min(this.#max, Math.max(this.#min, level));
  }

  #floor(inTime: Float64Array): number {
    const podsPerHour = (inTime.at(-1) ?? 0) * 3_600;
    if (podsPerHour < FLOOR_PODS_PER_HOUR) return 0;
    return levelOfShare(inTime, Math.max(0, 1 - LATE_TIMES * (1 - this.#hitRate)));
  }

  #whyFixed(): string {
    const min = this.#min;
    const { kind } = this.#choice.needed;
    if (kind === 'none') return `${min} cells, the least allowed: cold starts keep the SLA`;
    return `${min} cells, the least allowed: no tier can keep the SLA`;
  }

  #explain(price: number): string {
    const leadS = this.#window * this.#binS;
    const expected = `${this.#smooth.mean.toFixed(1)} pods expected within one refill of ${leadS} s`;
    const burst = this.#burst;
    const more =
      burst === undefined || this.#level === this.#steadyLevel
        ? ''
        : `, and ${Math.round(burst.pods)} more at once as last ${burst.every} (${Math.round(burst.chance * 100)} % likely)`;
    const worthS = Math.round(1 / (PRICES[price] as number));
    return `${this.#level} cells: ${expected}${more}; a late pod is worth ${worthS} s of a cell's waiting`;
  }
}
