import { FadingCounts } from './fading-counts.ts';

const KEEP = 0.999;
const MOST_SIZE = 512;

/** Places in a batch that hardly any batch has are left out. */
const LEAST_SHARE = 1e-3;

/** How many pods come at once, as it has been: a Deployment that scales by N is one batch of N. */
export class BatchSizes {
  readonly #seen = new FadingCounts(MOST_SIZE + 1, KEEP);
  #places: readonly number[] = [1];
  #isStale = false;

  /** So many pods came at once. */
  came(pods: number): void {
    this.#seen.fade();
    this.#seen.add(pods);
    this.#isStale ||= pods > 1 || this.#places.length > 1;
  }

  /** How many pods are in the batch of a pod, on average over pods. */
  get clump(): number {
    const mean = this.places().reduce((sum, share, place) => sum + share * (place + 1), 0);
    return 2 * mean - 1;
  }

  /** The share of pods that are the first, second, third, … of their batch. */
  places(): readonly number[] {
    if (!this.#isStale) return this.#places;
    const atLeast: number[] = [];
    let sum = 0;
    for (let size = MOST_SIZE; size > 0; size -= 1) {
      sum += this.#seen.at(size);
      atLeast[size - 1] = sum;
    }
    const counted = atLeast.filter((count) => count > LEAST_SHARE * sum);
    const pods = counted.reduce((total, count) => total + count, 0);
    this.#places = counted.map((count) => count / pods);
    this.#isStale = false;
    return this.#places;
  }
}
