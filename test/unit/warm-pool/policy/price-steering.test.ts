import { describe, expect, test } from 'vitest';
import { PRICES } from '../../../../src/warm-pool/policy/levels.ts';
import { PriceSteering } from '../../../../src/warm-pool/policy/price-steering.ts';

/** Level 40 at the lowest price, one less at each higher one, 0 at last. */
const LEVELS = Uint16Array.from(PRICES, (_, price) => Math.max(0, 40 - price));

/** Twenty pods that need one level each, from 1 to 20. */
function steered(): PriceSteering {
  const steering = new PriceSteering(5);
  steering.seen(20, 0, LEVELS);
  return steering;
}

describe('the price of a late pod', () => {
  test.each([
    [0.5, 10],
    [0.9, 18],
    [0.95, 19],
  ])('is the highest that would have had %d in time', (hitRate, level) => {
    expect(LEVELS[steered().priceFor(hitRate)]).toBe(level);
  });

  test('falls while pods are late more often than hindsight says, and comes back', () => {
    const steering = steered();
    const before = steering.priceFor(0.9);
    for (let pod = 0; pod < 100; pod += 1) steering.started(false, 0.9, 1);
    expect(steering.priceFor(0.9)).toBeLessThan(before);
    for (let pod = 0; pod < 3_000; pod += 1) steering.started(true, 0.9, 1);
    expect(steering.priceFor(0.9)).toBeGreaterThan(before);
  });

  test('moves less for pods that are late together', () => {
    const [alone, together] = [steered(), steered()];
    for (let pod = 0; pod < 60; pod += 1) {
      alone.started(false, 0.9, 1);
      together.started(false, 0.9, 50);
    }
    expect(alone.priceFor(0.9)).toBeLessThan(together.priceFor(0.9));
  });

  test('is not driven to nothing by pods that no level would have had in time', () => {
    const steering = steered();
    for (let bin = 0; bin < 10; bin += 1) steering.seen(20, 1_000, LEVELS);
    expect(LEVELS[steering.priceFor(0.95)]).toBe(20);
  });

  test('comes from what the forecast expects until there is more', () => {
    const steering = new PriceSteering(5);
    const inTime = Float64Array.from({ length: 21 }, (_, level) => level / 20);
    steering.expected(5, inTime, LEVELS);
    expect(LEVELS[steering.priceFor(0.9)]).toBe(18);
  });
});
