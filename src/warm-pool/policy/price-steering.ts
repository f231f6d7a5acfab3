import { PRICES } from './levels.ts';

/** What was seen counts half after this many seconds. */
const HALF_LIFE_S = 3 * 86_400;

/** What the forecast itself expects counts as much as this share of what happens: all there is at a start. */
const WEIGHT_OF_EXPECTED = 0.02;

/** How far a pod that is late moves what is aimed at, as a share of pods; less where pods come, and are late, together. */
const STEP = 0.001;

/** What is lost when the best that can be had is not worth its price. */
const AS_GOOD = 0.998;

/**
 * Sets the one price of a late pod, over the whole time, such that the share in time is as wanted: the price that would have
 * done so with the forecasts as they were (a backtest of every price at once), aimed a little higher or lower as long as what
 * was measured is not what is wanted. That step is adaptive conformal inference (Gibbs and Candès 2021), whose long-run share
 * is right whatever comes, for the aim is bounded: |share − wanted| ≤ (range of the aim + step) / (step · pods).
 */
export class PriceSteering {
  readonly #inTime = new Float64Array(PRICES.length);
  readonly #expectedInTime = new Float64Array(PRICES.length);
  readonly #keep: number;
  #pods = 0;
  #expectedPods = 0;
  #shift = 0;

  constructor(binSeconds: number) {
    this.#keep = 0.5 ** (binSeconds / HALF_LIFE_S);
  }

  /** A bin of time is over: so many pods came after others of one lead time; what each price would have held. */
  seen(pods: number, before: number, levels: Uint16Array): void {
    this.#pods = this.#pods * this.#keep + pods;
    for (let price = 0; price < PRICES.length; price += 1) {
      const inTime = pods === 0 ? 0 : Math.min(pods, Math.max(0, (levels[price] as number) - before));
      this.#inTime[price] = (this.#inTime[price] as number) * this.#keep + inTime;
    }
  }

  /** What the forecast expects of a bin: pods, and those in time at each level. */
  expected(binSeconds: number, inTime: Float64Array, levels: Uint16Array): void {
    const weight = WEIGHT_OF_EXPECTED * binSeconds;
    this.#expectedPods = this.#expectedPods * this.#keep + weight * (inTime.at(-1) ?? 0);
    for (let price = 0; price < PRICES.length; price += 1) {
      const rate = inTime[Math.min(inTime.length - 1, levels[price] as number)] as number;
      this.#expectedInTime[price] = (this.#expectedInTime[price] as number) * this.#keep + weight * rate;
    }
  }

  /** A pod started in time, or not. */
  started(wasInTime: boolean, wanted: number, clump: number): void {
    const shift = this.#shift + (STEP / clump) * (wanted - Number(wasInTime));
    const most = 1 - wanted;
    this.#shift = Math.min(most, Math.max(-most, shift));
  }

  /** The highest price that gives the hit rate, or as good as what the lowest would, where none does; by its number. */
  priceFor(hitRate: number): number {
    const of = (price: number) => (this.#inTime[price] as number) + (this.#expectedInTime[price] as number);
    const aim = Math.min(0.9995, hitRate + this.#shift) * (this.#pods + this.#expectedPods);
    const wanted = Math.min(aim, AS_GOOD * of(0));
    let price = PRICES.length - 1;
    while (price > 0 && of(price) < wanted) price -= 1;
    return price;
  }
}
