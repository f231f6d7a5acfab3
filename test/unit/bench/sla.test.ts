import { describe, expect, test } from 'vitest';
import { luckOf, measureStarts } from '../../../src/warm-pool/simulation/luck.ts';
import { outcomeOf } from '../../../src/warm-pool/simulation/outcome.ts';
import { simulate } from '../../../src/warm-pool/simulation/simulate.ts';
import { contest, SLA } from '../../bench/sla/contest.ts';
import { KnownProcess } from '../../bench/sla/known-process.ts';
import { judgeAttainment, judgeOverFixed, judgeOverKnown } from '../../bench/sla/report.ts';
import { confidence } from '../../bench/sla/scoring.ts';
import { drawTrace, SEEDS, TRACES } from '../../bench/sla/traces.ts';
import { WORLD } from '../../support/warm-pool.ts';

const [poisson] = TRACES;
const SHORT = { ...(poisson as (typeof TRACES)[number]), warmUpDays: 0, scoredDays: 1 };
const DAY_MS = 86_400_000;

describe('the traces of the start-up benchmark', () => {
  test('are eight or more, of a week and 10,000 pods or more, and half are held out from tuning', () => {
    expect(TRACES.length).toBeGreaterThanOrEqual(8);
    for (const { scoredDays, podsPerDay } of TRACES) {
      expect(scoredDays).toBeGreaterThanOrEqual(7);
      expect(scoredDays * podsPerDay).toBeGreaterThanOrEqual(10_000);
    }
    expect(TRACES.filter(({ heldOut }) => heldOut !== undefined).length).toBeGreaterThanOrEqual(TRACES.length / 2);
    expect(SEEDS).toHaveLength(2);
  });

  test('are the same for the same seed, and others for another', () => {
    const [a, b, c] = [1, 1, 2].map((seed) => drawTrace(SHORT, seed).workload.arrivalMs);
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
  });
});

describe('the policy that knows the process', () => {
  const { workload, process } = drawTrace(SHORT, 3);
  const known = new KnownProcess(process, SLA, measureStarts(WORLD));
  const shareAt = (price: number) => {
    const luck = luckOf(WORLD, workload.arrivalMs.length);
    const run = simulate(workload, DAY_MS, { world: WORLD, luck, policy: known.at(price) });
    const { attainment, overheadUsd } = outcomeOf([{ workload, run }], SLA);
    return { attainment, overheadUsd };
  };

  test('starts more pods in time, and costs more, at a lower price', () => {
    const [cheap, dear] = [shareAt(35), shareAt(5)];
    expect(dear.attainment).toBeGreaterThan(cheap.attainment);
    expect(dear.attainment).toBeGreaterThan(0.98);
    expect(dear.overheadUsd).toBeGreaterThan(cheap.overheadUsd);
  });

  test('is compared at the share in time of the policy that is judged, and so are fixed counts', () => {
    const result = contest({ workload, process, world: WORLD, endMs: DAY_MS, fromHour: 2 });
    const of = (name: string) => result.scores.find(({ policy }) => policy.startsWith(name));
    expect(of('fixed')?.attainment).toBeGreaterThanOrEqual(SLA.percentile);
    expect(of('known process')?.attainment).toBeGreaterThanOrEqual(SLA.percentile);
    expect(result.clairvoyantUsd).toBe(of('none')?.overheadUsd);
    expect(result.fixedAtSameShareUsd).toBeGreaterThan(result.clairvoyantUsd);
    expect(result.knownAtSameShareUsd).toBeGreaterThan(result.clairvoyantUsd);
  }, 30_000);
});

describe('aims', () => {
  test.each([
    ['stationary', 1.05, true],
    ['stationary', 1.06, false],
    ['seasonal', 0.7, true],
    ['seasonal', 0.71, false],
    ['bursty', 9, undefined],
  ] as const)('on a %s trace %d of the best fixed count is met: %s', (kind, value, met) => {
    expect(judgeOverFixed(kind, value, [0, 9]).met).toBe(met);
  });

  test.each([
    [0.941, true],
    [0.959, true],
    [0.939, false],
    [0.961, false],
  ])('a share in time of %d is met: %s', (value, met) => {
    expect(judgeAttainment('seasonal', value, [0, 1]).met).toBe(met);
    expect(judgeAttainment('unforeseen', value, [0, 1]).met).toBeUndefined();
  });

  test('the known process bounds all but what nobody could foresee', () => {
    expect(judgeOverKnown('bursty', 1.26, [0, 9]).met).toBe(false);
    expect(judgeOverKnown('unforeseen', 1.26, [0, 9]).met).toBeUndefined();
  });
});

test('the confidence of a ratio holds it, is narrow where blocks are alike, and comes again with its seed', () => {
  const steady = Float64Array.from({ length: 168 }, () => 2);
  const wild = Float64Array.from({ length: 168 }, (_, hour) => (hour % 60 < 6 ? 20 : 1));
  const half = (values: Float64Array) => confidence(0, 168, 1, (sum) => sum(values) / sum(steady));
  expect(half(steady)).toEqual([1, 1]);
  const [low, high] = half(wild);
  const ratio = wild.reduce((sum, value) => sum + value, 0) / 336;
  expect(low).toBeLessThan(ratio);
  expect(high).toBeGreaterThan(ratio);
  expect(half(wild)).toEqual([low, high]);
});
