import fc from 'fast-check';
import { expect, test } from 'vitest';
import { yieldedCells } from '../../../src/pods/yielded-cells.ts';

const sum = (prices: readonly number[]) => prices.reduce((total, price) => total + price, 0);
const yielded = (prices: readonly number[], wanted: number) =>
  yieldedCells(prices, async (ended) => sum(ended) >= wanted);

test.each([
  ['the cheapest that is enough alone', [8, 4, 2, 1], 2, [2]],
  ['the dearest, and the cheapest that is enough beside it', [8, 4, 2, 1], 9, [8, 1]],
  ['all', [3, 2, 1], 6, [3, 2, 1]],
  ['none where all together are not enough', [3, 2, 1], 7, []],
  ['none where none wait', [], 0, []],
])('there end %s', async (_, prices, wanted, expected) => {
  expect(await yielded(prices, wanted)).toEqual(expected);
});

test('what ends is enough, with any of them left it would not be, and no fewer would do', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 50 })),
      fc.integer({ min: 1, max: 400 }),
      async (any, wanted) => {
        const prices = any.sort((a, b) => b - a);
        const ends = await yielded(prices, wanted);
        if (sum(prices) < wanted) return ends.length === 0;
        const isLess = sum(prices.slice(0, ends.length - 1)) < wanted;
        const areNeeded = ends.every((_, at) => sum(ends.filter((_one, other) => other !== at)) < wanted);
        return sum(ends) >= wanted && isLess && areNeeded;
      },
    ),
  );
});
