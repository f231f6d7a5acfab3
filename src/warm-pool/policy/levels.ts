/**
 * How many more pods must be in time for a cell that waits for a second. Each price of this scale answers with a level; a
 * higher price holds fewer cells.
 */
export const PRICES: readonly number[] = Array.from({ length: 56 }, (_, index) => 1e-6 * 10 ** (index / 9));

/**
 * The pods a second that need each level, from their rate by the demand that they meet. A pod that is the j-th of its batch
 * needs the demand before it plus j; what arrivals of a Poisson process meet is what there is at any time (Slivnyak's theorem).
 * @param met pods a second that meet 0, 1, 2, … others in the lead time before them
 * @param places the share of pods that are the first, second, third, … of their batch
 */
export function needsOf(met: Float64Array, places: readonly number[]): Float64Array {
  const needs = new Float64Array(met.length);
  for (let place = 0; place < places.length; place += 1) {
    const share = places[place] as number;
    for (let level = place + 1; level < needs.length; level += 1)
      needs[level] = (needs[level] as number) + share * (met[level - place - 1] as number);
  }
  return needs;
}

/** The pods a second that each level starts in time. */
export function inTimeByLevel(needs: Float64Array): Float64Array {
  let sum = 0;
  return needs.map((rate) => {
    sum += rate;
    return sum;
  });
}

/** The corners of the upper concave hull of values by their index, from the first to the last. */
function upperHull(values: Float64Array): { readonly corners: Int32Array; readonly count: number } {
  const corners = new Int32Array(values.length);
  let count = 0;
  const slope = (from: number, to: number) => ((values[to] as number) - (values[from] as number)) / (to - from);
  for (let index = 0; index < values.length; index += 1) {
    while (count > 1) {
      const last = corners[count - 1] as number;
      if (slope(corners[count - 2] as number, last) > slope(last, index)) break;
      count -= 1;
    }
    corners[count] = index;
    count += 1;
  }
  return { corners, count };
}

/**
 * The best level at each price: the largest `inTime(S) − price·S`. Where another cell helps less than the next one would, as
 * before a burst, it is the upper hull that counts.
 * @param floor no level is below this
 */
export function levelsByPrice(inTime: Float64Array, floor: number): Uint16Array {
  const { corners, count } = upperHull(inTime);
  const levels = new Uint16Array(PRICES.length);
  let index = count - 1;
  for (let which = 0; which < PRICES.length; which += 1) {
    const price = PRICES[which] as number;
    for (; index > 0; index -= 1) {
      const [from, to] = [corners[index - 1] as number, corners[index] as number];
      if (((inTime[to] as number) - (inTime[from] as number)) / (to - from) >= price) break;
    }
    levels[which] = Math.max(floor, corners[index] as number);
  }
  return levels;
}

/** The smallest level that starts this share of the pods in time. */
export function levelOfShare(inTime: Float64Array, share: number): number {
  const wanted = share * (inTime.at(-1) ?? 0);
  return Math.max(
    0,
    inTime.findIndex((rate) => rate >= wanted),
  );
}
