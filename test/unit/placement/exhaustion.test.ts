import { describe, expect, test } from 'vitest';
import { type Exhaustion, nextExhaustion, type ZoneSight } from '../../../src/placement/exhaustion.ts';

const LEAST_MS = 60_000;
const FINE: Exhaustion = { exhausted: false, sinceMs: 0, holdMs: 0 };
const OUT: Exhaustion = { exhausted: true, sinceMs: 0, holdMs: LEAST_MS };

function sight(of: Partial<ZoneSight>): ZoneSight {
  return { nowMs: 100_000, refused: 1, offerings: 20, unavailable: 20, ...of };
}

describe('a zone', () => {
  test.each([
    ['when a pod is refused, and everything is unavailable', {}, true],
    ['when what is unavailable is half of it', { unavailable: 10 }, true],
    ['not for one machine that is too large to be had', { unavailable: 1 }, false],
    ['not while nobody is refused', { refused: 0 }, false],
    ['not when it has served somebody just now', { lastLaunchMs: 95_000 }, false],
    ['when it has served nobody for a while', { lastLaunchMs: 90_000 }, true],
    ['not when nothing is offered there at all', { offerings: 0, unavailable: 0 }, false],
  ])('is exhausted %s', (_when, of, exhausted) => {
    expect(nextExhaustion(FINE, sight(of), LEAST_MS).exhausted).toBe(exhausted);
  });

  test.each([
    ['by the first launch that goes well', { nowMs: 5_000, lastLaunchMs: 4_000 }, true],
    ['not by a launch from before', { nowMs: 5_000, lastLaunchMs: -1 }, false],
    ['when it was left alone for long enough, and most can be tried again', { nowMs: 60_000, unavailable: 9 }, true],
    ['not before, whatever can be tried again', { nowMs: 59_999, unavailable: 0, refused: 0 }, false],
    ['not while most is unavailable, however long', { nowMs: 600_000, unavailable: 10, refused: 0 }, false],
  ])('recovers %s', (_when, of, recovered) => {
    expect(nextExhaustion(OUT, sight(of), LEAST_MS).exhausted).toBe(!recovered);
  });

  test('that is exhausted again soon is left alone for twice as long, up to ten times, and then for the least again', () => {
    const holds: number[] = [];
    let state = FINE;
    let nowMs = 0;
    for (let round = 0; round < 6; round += 1) {
      nowMs += 1_000;
      state = nextExhaustion(state, sight({ nowMs }), LEAST_MS);
      holds.push(state.holdMs);
      nowMs += state.holdMs;
      state = nextExhaustion(state, sight({ nowMs, unavailable: 0 }), LEAST_MS);
      expect(state.exhausted).toBe(false);
    }
    expect(holds.map((holdMs) => holdMs / LEAST_MS)).toEqual([1, 2, 4, 8, 10, 10]);
    expect(nextExhaustion(state, sight({ nowMs: nowMs + 10 * LEAST_MS }), LEAST_MS).holdMs).toBe(LEAST_MS);
  });
});
