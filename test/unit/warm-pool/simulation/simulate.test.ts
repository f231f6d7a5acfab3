import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fixedCount } from '../../../../src/warm-pool/policy/fixed-count.ts';
import type { WarmPoolPolicy } from '../../../../src/warm-pool/policy/policy.ts';
import { luckOf } from '../../../../src/warm-pool/simulation/luck.ts';
import { type Run, simulate } from '../../../../src/warm-pool/simulation/simulate.ts';
import type { Workload } from '../../../../src/warm-pool/simulation/trace.ts';
import { NO_FAULTS, type World } from '../../../../src/warm-pool/simulation/world.ts';
import { constantWorld, WORLD, workloadOf, workloads, worlds } from '../../../support/warm-pool.ts';

const END_MS = 3 * 3_600_000;

function runOf(workload: Workload, policy: WarmPoolPolicy, world: World = WORLD): Run {
  return simulate(workload, END_MS, { world, luck: luckOf(world, workload.arrivalMs.length), policy });
}

function overheadUsd({ overheadUsdByHour }: Run): number {
  return overheadUsdByHour.reduce((sum, usd) => sum + usd, 0);
}

/**
 * The same by another way: at a constant level the k-th pod has the k-th cell that gets ready, of the level's own and one for
 * each arrival.
 */
function naive(workload: Workload, level: number, world: World): { startMs: number[]; usd: number } {
  const luck = luckOf(world, workload.arrivalMs.length);
  const growth = luck.growth();
  const backoff = (failures: number) => Array.from({ length: failures }, (_, i) => 5_000 * 2 ** Math.min(i, 5));
  const ordered = [
    ...Array.from({ length: level }, () => ({ atMs: 0, ...growth() })),
    ...Array.from(workload.arrivalMs, (atMs, pod) => ({ atMs, ...luck.ofPod(pod) })),
  ];
  const cells = ordered
    .map(({ atMs, launchMs, bootMs, failures }) => {
      const fromMs = backoff(failures).reduce((sum, ms) => sum + ms, atMs) + launchMs;
      return { fromMs, readyMs: fromMs + bootMs };
    })
    .sort((a, b) => a.readyMs - b.readyMs);
  const billed = (from: number, to: number) => Math.max(60_000, Math.ceil((to - from) / 1_000) * 1_000);
  let ms = 0;
  const startMs = Array.from(workload.arrivalMs, (atMs, pod) => {
    const cell = cells[pod] as (typeof cells)[number];
    const startedMs = Math.max(atMs, cell.readyMs) + (luck.warmMs[pod] as number);
    const durationMs = workload.durationMs[pod] as number;
    ms += billed(cell.fromMs, startedMs + durationMs + 4_000) - durationMs;
    return startedMs - atMs;
  });
  for (const { fromMs } of cells.slice(startMs.length)) if (fromMs < END_MS) ms += billed(fromMs, END_MS + 4_000);
  return { startMs, usd: (ms / 3_600_000) * world.prices.runningUsdPerHour };
}

describe('a simulated pool', () => {
  test('starts each pod once, with a cell of its own, whatever the level and the luck', () => {
    fc.assert(
      fc.property(workloads, worlds, fc.nat({ max: 12 }), (workload, world, level) => {
        const run = runOf(workload, fixedCount(level), world);
        expect(run.startMs.every((ms) => ms > 0 && Number.isFinite(ms))).toBe(true);
        expect(run.cells).toBe(workload.arrivalMs.length + level);
      }),
      { numRuns: 200 },
    );
  });

  test('of a constant level starts pods when, and costs what, another way of counting says', () => {
    fc.assert(
      fc.property(workloads, worlds, fc.nat({ max: 12 }), (workload, world, level) => {
        const run = runOf(workload, fixedCount(level), world);
        const expected = naive(workload, level, world);
        run.startMs.forEach((ms, pod) => {
          expect(ms).toBeCloseTo(expected.startMs[pod] as number, 5);
        });
        expect(overheadUsd(run)).toBeCloseTo(expected.usd, 9);
      }),
      { numRuns: 200 },
    );
  });

  test('gives the same for the same seed, and something else for another', () => {
    const workload = workloadOf(Array.from({ length: 50 }, (_, pod) => [(pod * 7_919) % 20_000, 30_000]));
    const world: World = { ...WORLD, faults: { ...NO_FAULTS, failureRate: 0.2 } };
    expect(runOf(workload, fixedCount(2), world)).toEqual(runOf(workload, fixedCount(2), world));
    expect(runOf(workload, fixedCount(2), { ...world, seed: 2 })).not.toEqual(runOf(workload, fixedCount(2), world));
  });

  test.each([
    ['a cold pod: boot, start and shutdown', 0, 300_000, 24_000 + 1_000 + 4_000],
    ['a short cold pod: the minimum', 0, 10_000, 50_000],
    // Ordered at 0, running at 5 s; the pod comes at 100 s. Its replacement runs from 105 s to the end of all.
    [
      'a warm pod: what its cell waited, and what is left at the end',
      1,
      300_000,
      95_000 + 5_000 + END_MS - 105_000 + 4_000,
    ],
  ])('charges for %s', (_, level, durationMs, expectedMs) => {
    const world = constantWorld({ launch: 5_000, boot: 24_000, warm: 1_000 });
    const run = runOf(workloadOf([[100_000, durationMs]]), fixedCount(level), world);
    expect(overheadUsd(run)).toBeCloseTo((expectedMs / 3_600_000) * 0.36, 9);
    expect(run.startMs[0]).toBe(level === 0 ? 30_000 : 1_000);
  });

  test('starts a stopped cell for a pod that finds no ready one, and charges its making and its disk', () => {
    const world = constantWorld({ launch: 5_000, boot: 24_000, warm: 1_000 });
    const run = runOf(workloadOf([[1_033_000, 300_000]]), fixedCount(1, 'stopped'), world);
    expect(run.startMs[0]).toBe(11_000);
    const disksMs = 1_000_000 + END_MS - (1_033_000 + 33_000);
    const minutesMs = 2 * 60_000;
    const startMs = 10_000 + 1_000 + 4_000;
    expect(overheadUsd(run)).toBeCloseTo(((minutesMs + startMs) * 0.36 + disksMs * 0.036) / 3_600_000, 9);
  });

  test('gives a pod that waits the next cell that gets ready, though it was ordered for another', () => {
    const world = constantWorld({ launch: 5_000, boot: 25_000, warm: 1_000 });
    const run = runOf(
      workloadOf([
        [100_000, 60_000],
        [10_000, 60_000],
        [25_000, 60_000],
      ]),
      fixedCount(1),
      world,
    );
    // The second waits for the first one's replacement, ready at 130 s; the third finds its own, ordered at 110 s, at 140 s.
    expect([...run.startMs]).toEqual([1_000, 21_000, 6_000]);
  });

  test('ends cells that it needs no more, once their minimum is over, and not those that waiting pods need', () => {
    let wanted = 5;
    const policy: WarmPoolPolicy = {
      tickMs: 1_000,
      arrived: () => undefined,
      started: () => undefined,
      decide: (_, nowMs) => {
        if (nowMs >= 40_000) wanted = 0;
        return { running: wanted, runningAtMost: wanted, stopped: 0, why: '' };
      },
    };
    const world = constantWorld({ launch: 5_000, boot: 24_000, warm: 1_000 });
    expect(overheadUsd(runOf(workloadOf([[3_600_000, 0]]), policy, world))).toBeCloseTo(
      (6 * 60_000 * 0.36) / 3_600_000,
      9,
    );
  });

  test.each([
    ['an outage', { ...NO_FAULTS, outages: [[0, 62_000]] as const }, 75_000 + 30_000],
    ['a rate limit', { ...NO_FAULTS, launchesPerSecond: 0.01 }, 200_000 + 30_000],
  ])('waits out %s', (_, faults, lastMs) => {
    const world = { ...constantWorld({ launch: 5_000, boot: 24_000, warm: 1_000 }), faults };
    const run = runOf(
      workloadOf([
        [0, 60_000],
        [0, 60_000],
        [0, 60_000],
      ]),
      fixedCount(0),
      world,
    );
    expect(Math.max(...run.startMs)).toBe(lastMs);
  });
});
