import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fixedCount } from '../../../../src/warm-pool/policy/fixed-count.ts';
import { levelFor, NO_LEVEL, neededLevels } from '../../../../src/warm-pool/simulation/hindsight.ts';
import { luckOf } from '../../../../src/warm-pool/simulation/luck.ts';
import { simulate } from '../../../../src/warm-pool/simulation/simulate.ts';
import { workloads, worlds } from '../../../support/warm-pool.ts';

const TARGET_MS = 5_000;

test('a pod starts in time at exactly the levels that reach the one it needs', () => {
  fc.assert(
    fc.property(workloads, worlds, fc.nat({ max: 15 }), (workload, world, level) => {
      const luck = luckOf(world, workload.arrivalMs.length);
      const { startMs } = simulate(workload, 10_000_000, { world, luck, policy: fixedCount(level) });
      const needed = neededLevels(workload, { world, luck, targetMs: TARGET_MS });
      expect([...startMs].map((ms) => ms <= TARGET_MS)).toEqual([...needed].map((least) => least <= level));
    }),
    { numRuns: 300 },
  );
});

test('the level for a share of pods is the smallest whose simulation reaches it', () => {
  fc.assert(
    fc.property(workloads, worlds, fc.double({ min: 0.01, max: 1, noNaN: true }), (workload, world, share) => {
      const luck = luckOf(world, workload.arrivalMs.length);
      const reaches = (level: number) => {
        const { startMs } = simulate(workload, 10_000_000, { world, luck, policy: fixedCount(level) });
        return startMs.filter((ms) => ms <= TARGET_MS).length >= share * startMs.length - 1e-9;
      };
      const levels = Array.from({ length: workload.arrivalMs.length + 1 }, (_, level) => level);
      const level = levelFor(neededLevels(workload, { world, luck, targetMs: TARGET_MS }), share);
      expect(level).toBe(levels.find(reaches));
    }),
    { numRuns: 100 },
  );
});

test('no level is enough where a claimed cell starts its pod too late', () => {
  expect(levelFor(Int32Array.of(1, NO_LEVEL), 0.5)).toBe(1);
  expect(levelFor(Int32Array.of(1, NO_LEVEL), 0.6)).toBeUndefined();
});
