import { describe, expect, test } from 'vitest';
import { MeasuredTimes } from '../../../../src/warm-pool/policy/measured-times.ts';
import { requiredHitRate } from '../../../../src/warm-pool/policy/service-level.ts';

/** Of 100 starts so many take 1 s, the others 60 s. */
function inTime(percent: number): MeasuredTimes {
  return new MeasuredTimes(Array.from({ length: 100 }, (_, index) => (index < percent ? 1_000 : 60_000)));
}

describe('the hit rate that an SLA needs', () => {
  test.each([
    [100, 0, { kind: 'rate', rate: 0.95 }],
    [100, 50, { kind: 'rate', rate: 0.9 }],
    [99, 0, { kind: 'rate', rate: 0.95 / 0.99 }],
    [95, 0, { kind: 'rate', rate: 1 }],
    [94, 0, { kind: 'unreachable' }],
    [100, 95, { kind: 'none' }],
    [90, 96, { kind: 'none' }],
  ] as const)('where %i %% of hits and %i %% of misses are in time', (hit, miss, expected) => {
    const needed = requiredHitRate({ targetMs: 5_000, percentile: 0.95 }, inTime(hit), inTime(miss));
    expect(needed.kind).toBe(expected.kind);
    if (expected.kind === 'rate') expect((needed as { rate: number }).rate).toBeCloseTo(expected.rate, 12);
  });
});

describe('measured times', () => {
  const times = new MeasuredTimes([4, 1, 3, 2]);

  test.each([
    [0, 0],
    [1, 0.25],
    [3.5, 0.75],
    [4, 1],
  ])('are at most %d in so many cases', (ms, share) => expect(times.shareWithin(ms)).toBe(share));

  test.each([
    [0, 1],
    [0.25, 1],
    [0.26, 2],
    [0.95, 4],
    [1, 4],
  ])('have a quantile at %d', (share, ms) => expect(times.quantileMs(share)).toBe(ms));

  test('have a mean of what is left after a while', () => {
    expect(times.meanBeyondMs(0)).toBe(2.5);
    expect(times.meanBeyondMs(2)).toBe(0.75);
  });

  test('of nothing are refused', () => expect(() => new MeasuredTimes([])).toThrow(RangeError));
});
