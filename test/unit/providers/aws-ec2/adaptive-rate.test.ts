import { describe, expect, test } from 'vitest';
import { AdaptiveRate } from '../../../../providers/aws-ec2/api/adaptive-rate.ts';
import type { Clock } from '../../../../src/core/clock.ts';

/** A clock that every wait moves at once; waits are kept. */
function hastyClock() {
  let nowMs = 0;
  const waitsMs: number[] = [];
  const clock: Clock = {
    now: () => nowMs,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      waitsMs.push(ms);
      nowMs += ms;
    },
  };
  return { clock, waitsMs, pass: (ms: number) => (nowMs += ms) };
}

const never = new AbortController().signal;

describe('an adaptive rate', () => {
  test('lets a burst through at once, and then one after the other', async () => {
    const { clock, waitsMs } = hastyClock();
    const rate = new AdaptiveRate({ perSecond: 10, burst: 3 }, clock);
    for (let turn = 0; turn < 5; turn += 1) await rate.take(never);
    expect(waitsMs).toEqual([100, 100]);
  });

  test('is halved by each refusal, down to a twentieth, and no burst is left', async () => {
    const { clock, waitsMs } = hastyClock();
    const rate = new AdaptiveRate({ perSecond: 10, burst: 3 }, clock);
    rate.throttled(clock.now());
    expect(rate.perSecond).toBe(5);
    await rate.take(never);
    expect(waitsMs).toEqual([200]);
    for (let refusal = 0; refusal < 20; refusal += 1) rate.throttled(clock.now());
    expect(rate.perSecond).toBe(0.5);
  });

  test('is halved once for all that were on their way together', () => {
    const { clock, pass } = hastyClock();
    const rate = new AdaptiveRate({ perSecond: 10, burst: 3 }, clock);
    const sentAtMs = clock.now();
    pass(100);
    for (let request = 0; request < 8; request += 1) {
      rate.throttled(sentAtMs);
      pass(1);
    }
    expect(rate.perSecond).toBe(5);
    rate.throttled(clock.now());
    expect(rate.perSecond).toBe(2.5);
  });

  test('gives many turns at once when all of them are there', async () => {
    const { clock, waitsMs } = hastyClock();
    const rate = new AdaptiveRate({ perSecond: 2, burst: 100, leastShare: 0.5 }, clock);
    await rate.take(never, 90);
    await rate.take(never, 20);
    expect(waitsMs).toEqual([5_000]);
    for (let refusal = 0; refusal < 9; refusal += 1) rate.throttled(clock.now());
    expect(rate.perSecond).toBe(1);
  });

  test('has turns again of which nothing came', async () => {
    const { clock, waitsMs } = hastyClock();
    const rate = new AdaptiveRate({ perSecond: 2, burst: 100 }, clock);
    for (let refused = 0; refused < 20; refused += 1) {
      await rate.take(never, 100);
      rate.giveBack(100);
    }
    expect(waitsMs).toEqual([]);
    rate.giveBack(100);
    await rate.take(never, 110);
    expect(waitsMs).toEqual([5_000]);
  });

  test('comes back with what goes well, and never above what it was given', () => {
    const { clock } = hastyClock();
    const rate = new AdaptiveRate({ perSecond: 10, burst: 3 }, clock);
    rate.throttled(clock.now());
    for (let success = 0; success < 10; success += 1) rate.succeeded();
    expect(rate.perSecond).toBeCloseTo(7);
    for (let success = 0; success < 100; success += 1) rate.succeeded();
    expect(rate.perSecond).toBe(10);
  });

  test('a wait that is given up leaves its turn to others', async () => {
    const { clock, waitsMs } = hastyClock();
    const rate = new AdaptiveRate({ perSecond: 10, burst: 1 }, clock);
    await rate.take(never);
    await expect(rate.take(AbortSignal.abort())).rejects.toThrow();
    await rate.take(never);
    expect(waitsMs).toEqual([100]);
  });

  test('saves up no more than a burst', async () => {
    const { clock, waitsMs, pass } = hastyClock();
    const rate = new AdaptiveRate({ perSecond: 10, burst: 2 }, clock);
    pass(60_000);
    for (let turn = 0; turn < 3; turn += 1) await rate.take(never);
    expect(waitsMs).toEqual([100]);
  });
});
