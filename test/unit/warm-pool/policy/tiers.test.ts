import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type MeasuredStarts, MeasuredTimes } from '../../../../src/warm-pool/policy/measured-times.ts';
import { planTiers } from '../../../../src/warm-pool/policy/tier.ts';
import { type TierStock, tierMoves } from '../../../../src/warm-pool/policy/tier-moves.ts';

const NONE: TierStock = { ready: 0, booting: 0, resuming: 0, stopped: 0, old: 0 };
const NOTHING = { resume: 0, order: 0, stop: 0, end: 0 };

describe('what brings a pool to its tiers', () => {
  test.each([
    ['an empty pool orders for both', {}, [1, 2, 2], { order: 3 }],
    ['what is ready beyond the running ones is stopped', { ready: 3 }, [1, 2, 2], { stop: 2 }],
    ['one at a time, as they come', { ready: 2, booting: 1 }, [1, 2, 2], { stop: 1 }],
    ['a pool that is as it should be is left alone', { ready: 1, stopped: 2 }, [1, 2, 2], {}],
    [
      'a claimed cell is made up for from the stopped ones, and one is ordered',
      { stopped: 2 },
      [1, 2, 2],
      { resume: 1, order: 1 },
    ],
    ['what boots for the stopped tier is no running cell', { booting: 1, stopped: 2 }, [1, 2, 2], { resume: 1 }],
    ['what is started again is one', { booting: 1, resuming: 1, stopped: 2 }, [1, 2, 2], {}],
    ['no more are started than there are', { stopped: 1 }, [5, 0, 0], { resume: 1, order: 4 }],
    ['all of them stopped', { ready: 2 }, [0, 2, 2], { stop: 2 }],
    ['fewer are wanted, and hysteresis holds them', { stopped: 4 }, [0, 2, 4], {}],
    ['fewer are wanted', { stopped: 4 }, [0, 2, 3], { end: 1 }],
    ['the tier is wanted no more', { ready: 1, stopped: 2 }, [1, 0, 0], { end: 2 }],
    ['the successor of an old one is ordered first', { stopped: 2, old: 1 }, [0, 2, 2], { order: 1 }],
    ['and stopped', { ready: 1, stopped: 2, old: 1 }, [0, 2, 2], { stop: 1 }],
    ['then the old one ends', { stopped: 3, old: 1 }, [0, 2, 2], { end: 1 }],
  ] as const)('%s', (_, stock, [running, stopped, stoppedAtMost], moves) => {
    const told = tierMoves({ ...NONE, ...stock }, { running, stopped, stoppedAtMost });
    expect(told).toEqual({ ...NOTHING, ...moves });
  });

  test('comes to an end, with neither tier below its target, from any stock', () => {
    const few = fc.integer({ min: 0, max: 12 });
    fc.assert(
      fc.property(few, few, few, few, few, few, few, (ready, booting, resuming, stopped, old, running, target) => {
        const targets = { running, stopped: target, stoppedAtMost: target };
        let stock = { ready, booting: booting + resuming, resuming, stopped, old: Math.min(old, stopped) };
        for (let round = 0; round < 60; round += 1) {
          const { resume, order, stop, end } = tierMoves(stock, targets);
          for (const count of [resume, order, stop, end]) expect(count).toBeGreaterThanOrEqual(0);
          expect(resume + end).toBeLessThanOrEqual(stock.stopped);
          expect(stop).toBeLessThanOrEqual(stock.ready);
          // A move at a time, and then all that boots is ready.
          stock = {
            ready: stock.ready - stop + stock.booting + order + resume,
            booting: 0,
            resuming: 0,
            stopped: stock.stopped - resume - end + stop,
            old: Math.max(0, Math.min(stock.old - end, stock.stopped - resume - end)),
          };
        }
        expect(tierMoves(stock, targets)).toEqual(NOTHING);
        expect(stock.ready).toBeGreaterThanOrEqual(running);
        expect(stock.stopped).toBeGreaterThanOrEqual(target);
        if (target > 0) expect(stock.old).toBe(0);
      }),
    );
  });
});

describe('which tiers a pool keeps', () => {
  const of = (ms: number) => new MeasuredTimes([ms]);
  const starts: MeasuredStarts = {
    warm: of(900),
    resumed: of(9_000),
    cold: of(30_000),
    lead: of(29_000),
    stoppedLead: of(33_000),
  };
  test.each([
    [10_000, true, 'stopped'],
    [5_000, true, 'both'],
    [500, true, 'running'],
    // Its least alone, in the cheaper tier.
    [40_000, true, 'stopped'],
    [10_000, false, 'running'],
  ])('for a target of %i ms, where the provider has them: %s → %s', (targetMs, hasStopped, kind) => {
    const plan = planTiers({ targetMs, percentile: 0.95 }, starts, { hasStopped, resumeLead: of(8_000) });
    expect(plan.kind).toBe(kind);
    if (plan.kind === 'both') expect(plan.starts.lead.quantileMs(0.5)).toBe(8_000);
    if (plan.kind === 'stopped')
      expect([plan.starts.warm, plan.starts.lead]).toEqual([starts.resumed, starts.stoppedLead]);
  });
});
