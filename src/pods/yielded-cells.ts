/** The first number in [low, high] for which it holds, where it holds for `high` and for all after the first. */
async function firstThat(low: number, high: number, holds: (at: number) => Promise<boolean>): Promise<number> {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (await holds(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}

/**
 * The fewest cells whose end is enough for a pod, of those that wait, given with the dearest first: the dearest, and as the
 * last of them the cheapest that is enough. None where all of them together are not. More, or dearer ones, must never be
 * less than enough; it is asked O(log cells) times.
 */
export async function yieldedCells<T>(
  dearestFirst: readonly T[],
  isEnough: (ended: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  const count = dearestFirst.length;
  if (count === 0 || !(await isEnough(dearestFirst))) return [];
  const fewest = await firstThat(1, count, (some) => isEnough(dearestFirst.slice(0, some)));
  const others = dearestFirst.slice(0, fewest - 1);
  const cheapestFirst = dearestFirst.slice(fewest - 1).reverse();
  const last = await firstThat(0, cheapestFirst.length - 1, (at) => isEnough([...others, cheapestFirst[at] as T]));
  return [...others, cheapestFirst[last] as T];
}
