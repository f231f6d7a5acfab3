import { expect, test } from 'vitest';
import { amountsOf } from '../../../src/core/amounts.ts';

test.each([
  [{ memory: '64Mb' }, 'memory "64Mb" is not a Kubernetes quantity such as 500m, 2 or 4Gi'],
  [{ cpu: '1', 'nvidia.com/gpu': 'one' }, 'nvidia.com/gpu "one" is not a Kubernetes quantity'],
  [{ cpu: '-1' }, 'cpu "-1" is negative'],
])('an amount of %j is refused by its name', (list, message) => {
  expect(() => amountsOf(list)).toThrow(message);
});

test('amounts are in thousandths, rounded up', () => {
  expect(amountsOf({ cpu: '250m', memory: '1Ki', 'nvidia.com/gpu': '1' })).toEqual(
    new Map([
      ['cpu', 250n],
      ['memory', 1_024_000n],
      ['nvidia.com/gpu', 1_000n],
    ]),
  );
  expect(amountsOf({ cpu: '1u' })).toEqual(new Map([['cpu', 1n]]));
  expect(amountsOf(undefined).size).toBe(0);
});
