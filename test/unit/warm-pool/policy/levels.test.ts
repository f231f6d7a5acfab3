import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BatchSizes } from '../../../../src/warm-pool/policy/batch-sizes.ts';
import { DemandHistory } from '../../../../src/warm-pool/policy/demand-history.ts';
import {
  inTimeByLevel,
  levelOfShare,
  levelsByPrice,
  needsOf,
  PRICES,
} from '../../../../src/warm-pool/policy/levels.ts';
import { addNegativeBinomial, negativeBinomialChance } from '../../../../src/warm-pool/policy/negative-binomial.ts';

const rates = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 });

test('the level at each price is the best of all levels', () => {
  fc.assert(
    fc.property(rates, (needs) => {
      const inTime = inTimeByLevel(Float64Array.from(needs));
      const levels = levelsByPrice(inTime, 0);
      PRICES.forEach((price, which) => {
        const worth = (level: number) => (inTime[level] as number) - price * level;
        const best = Math.max(...inTime.map((_, level) => worth(level)));
        expect(worth(levels[which] as number)).toBeCloseTo(best, 9);
      });
    }),
  );
});

test('a higher price never holds more cells, and none holds less than the floor', () => {
  fc.assert(
    fc.property(rates, fc.nat({ max: 10 }), (needs, floor) => {
      const levels = [...levelsByPrice(inTimeByLevel(Float64Array.from(needs)), floor)];
      expect(levels).toEqual(levels.toSorted((a, b) => b - a));
      expect(Math.min(...levels)).toBeGreaterThanOrEqual(floor);
    }),
  );
});

test.each([
  [0, 0],
  [0.5, 1],
  [0.51, 2],
  [1, 3],
])('the level for a share of %d', (share, level) => {
  expect(levelOfShare(inTimeByLevel(Float64Array.of(0, 5, 3, 2)), share)).toBe(level);
});

test('a pod needs what it meets and its place in its batch', () => {
  const met = Float64Array.of(0.6, 0.4, 0, 0);
  expect([...needsOf(met, [1])]).toEqual([0, 0.6, 0.4, 0]);
  expect([...needsOf(met, [0.5, 0.5])]).toEqual([0, 0.3, 0.5, 0.2]);
});

describe('batch sizes', () => {
  test('give the places of pods in their batches', () => {
    const batches = new BatchSizes();
    expect(batches.places()).toEqual([1]);
    for (let index = 0; index < 3_000; index += 1) batches.came(index % 2 === 0 ? 1 : 3);
    // Of four pods two are first, one second, one third.
    batches.places().forEach((share, place) => {
      expect(share).toBeCloseTo([0.5, 0.25, 0.25][place] as number, 2);
    });
    expect(batches.clump).toBeCloseTo(2.5, 1);
  });
});

describe('the negative binomial distribution', () => {
  test.each([
    [0.3, 1],
    [12, 1],
    [12, 3.5],
    [900, 1],
    [900, 4],
  ])('of mean %d and dispersion %d sums to 1 and has both', (mean, dispersion) => {
    const chances = new Float64Array(4_000);
    addNegativeBinomial(chances, { weight: 1, mean, dispersion });
    const sum = (of: (count: number) => number) =>
      chances.reduce((total, chance, count) => total + chance * of(count), 0);
    expect(sum(() => 1)).toBeCloseTo(1, 6);
    expect(sum((count) => count)).toBeCloseTo(mean, 3);
    expect(sum((count) => (count - mean) ** 2) / mean).toBeCloseTo(dispersion, 2);
    if (dispersion > 1) expect(chances[20]).toBeCloseTo(negativeBinomialChance(20, mean, dispersion), 9);
  });
});

test('sums over the demand history are those of its counts, also after the oldest are gone', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 4_000 }),
      fc.nat(),
      fc.nat(),
      (counts, a, b) => {
        const history = new DemandHistory(2_000);
        counts.forEach((count, bin) => {
          history.add(bin + 7, count);
        });
        const oldest = Math.max(0, counts.length - 2_000);
        const [from, to] = [a % (counts.length + 1), b % (counts.length + 1)].toSorted((x, y) => x - y) as [
          number,
          number,
        ];
        const kept = counts.slice(Math.max(oldest, from), Math.max(oldest, to)).reduce((sum, count) => sum + count, 0);
        expect(history.between(from + 7, to + 7)).toBe(kept);
        expect(history.knows(oldest + 7)).toBe(true);
        expect(history.knows(oldest + 6)).toBe(false);
      },
    ),
    { numRuns: 40 },
  );
});
