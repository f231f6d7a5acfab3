import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { WarmPoolPolicy } from '../../../src/warm-pool/policy/policy.ts';
import { Retelling } from '../../../src/warm-pool/retelling.ts';

const HOUR_MS = 3_600_000;

/** Notes what it is told, and the longest time that it had to go through at once. */
class Listener implements WarmPoolPolicy {
  readonly told: (readonly [number, number])[] = [];
  longestMs = 0;
  lastMs = Number.NaN;

  #at(nowMs: number): void {
    if (!Number.isNaN(this.lastMs)) this.longestMs = Math.max(this.longestMs, nowMs - this.lastMs);
    this.lastMs = nowMs;
  }

  arrived(nowMs: number, pods: number): void {
    this.#at(nowMs);
    this.told.push([nowMs, pods]);
  }

  started(): void {}

  decide(_state: unknown, nowMs: number) {
    this.#at(nowMs);
    return { running: 0, runningAtMost: 0, stopped: 0, why: '' };
  }
}

test('tells all that was and all that comes meanwhile, once and in order, in small steps and up to now', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: HOUR_MS }), { maxLength: 40 });
  fc.assert(
    fc.property(gaps, gaps, fc.integer({ min: 1, max: 20 }), (before, meanwhile, slice) => {
      let nowMs = 0;
      const at = (gapMs: number) => {
        nowMs += gapMs;
        return { atMs: nowMs, pods: 1 };
      };
      const batches = before.map(at);
      const retelling = new Retelling(new Listener(), [...batches]);
      for (const gapMs of meanwhile) {
        const { atMs } = at(gapMs);
        batches.push({ atMs, pods: 1 });
        retelling.arrived(atMs, 1);
        let steps = slice;
        retelling.goOn(nowMs, () => steps-- > 0);
      }
      nowMs += HOUR_MS;
      expect(retelling.goOn(nowMs, () => true)).toBe(true);
      const { told, longestMs, lastMs } = retelling.policy;
      expect(told).toEqual(batches.map(({ atMs, pods }) => [atMs, pods]));
      expect(longestMs).toBeLessThanOrEqual(60_000);
      if (batches.length > 0) expect(lastMs).toBe(nowMs);
    }),
  );
});
