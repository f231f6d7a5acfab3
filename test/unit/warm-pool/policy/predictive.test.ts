import { describe, expect, test } from 'vitest';
import type { WarmPoolPolicy } from '../../../../src/warm-pool/policy/policy.ts';
import { type PredictiveOptions, PredictivePolicy } from '../../../../src/warm-pool/policy/predictive.ts';
import { drawWorkload } from '../../../../src/warm-pool/simulation/arrival-process.ts';
import { GENERATORS, type GeneratorName } from '../../../../src/warm-pool/simulation/generators.ts';
import { luckOf, measureStarts } from '../../../../src/warm-pool/simulation/luck.ts';
import { outcomeOf } from '../../../../src/warm-pool/simulation/outcome.ts';
import { simulate } from '../../../../src/warm-pool/simulation/simulate.ts';
import type { Workload } from '../../../../src/warm-pool/simulation/trace.ts';
import { WORLD } from '../../../support/warm-pool.ts';

const SLA = { targetMs: 5_000, percentile: 0.95 };
const IDLE = { ready: 0, booting: 0, waiting: 0, running: 0, stopped: 0 };
const HOUR_MS = 3_600_000;

function policyOf(options: Partial<PredictiveOptions> = {}): PredictivePolicy {
  return new PredictivePolicy({
    sla: SLA,
    starts: measureStarts(WORLD),
    min: 0,
    max: 100,
    hasStopped: false,
    ...options,
  });
}

function run(workload: Workload, days: number, policy: WarmPoolPolicy) {
  const luck = luckOf(WORLD, workload.arrivalMs.length);
  return simulate(workload, days * 24 * HOUR_MS, { world: WORLD, luck, policy });
}

function generated(name: GeneratorName, days: number): Workload {
  const process = GENERATORS[name]({ days, podsPerDay: 3_000, seed: 5 });
  return drawWorkload(process, { seed: 5, duration: { p50Ms: 120_000, p95Ms: 600_000 }, shape: '1/1Gi' });
}

describe('a pool that sizes itself', () => {
  test.each(['poisson', 'cron', 'deployments'] as const)(
    'keeps the SLA within a point over two days, after one to learn, where pods come by %s',
    (name) => {
      const workload = generated(name, 3);
      const outcome = outcomeOf([{ workload, run: run(workload, 3, policyOf()) }], SLA, 24);
      expect(Math.abs(outcome.attainment - 0.95)).toBeLessThan(0.01);
    },
    60_000,
  );

  test('is ready for a burst at the same minute of the hour, and holds little after it', () => {
    const policy = policyOf();
    const last = 14;
    for (let second = 0; second < last * 3_600 + 601; second += 1) {
      const phase = second % 3_600;
      const isLast = second >= last * 3_600;
      if (isLast && phase === 595) expect(policy.decide(IDLE, second * 1_000).running).toBeGreaterThanOrEqual(15);
      if (isLast && phase === 595)
        expect(policy.decide(IDLE, second * 1_000).why).toMatch(
          /\d+ cells: .* expected within one refill of \d+ s, and \d+ more at once as last hour \(\d+ % likely\)/,
        );
      if (second > 8 * 3_600 && phase === 2_400) expect(policy.decide(IDLE, second * 1_000).running).toBeLessThan(10);
      const pods = phase === 600 ? 20 : Number(second % 23 === 0);
      for (let pod = 0; pod < pods; pod += 1) {
        policy.arrived(second * 1_000, 1);
        policy.started(second * 1_000, second > 3 * 3_600 ? 900 : 30_000);
      }
    }
  });

  test('does not order anew for the pods of a burst that came', () => {
    const policy = policyOf();
    const burstMs = (hour: number) => hour * HOUR_MS + 10 * 60_000;
    for (let hour = 0; hour < 6; hour += 1) policy.arrived(burstMs(hour), 30);
    const before = policy.decide(IDLE, burstMs(6)).running;
    policy.arrived(burstMs(6), 30);
    expect(policy.decide(IDLE, burstMs(6)).running).toBeLessThanOrEqual(Math.max(5, before - 30));
  });

  test('gives up no hour with ten pods or more, however much busier others are', () => {
    const policy = policyOf();
    const busyS = 12 * 3_600;
    for (let second = 0; second < busyS + 4 * 3_600; second += 1) {
      if (second % (second < busyS ? 2 : 200) !== 0) continue;
      policy.arrived(second * 1_000, 1);
      policy.started(second * 1_000, 900);
    }
    expect(policy.decide(IDLE, (busyS + 4 * 3_600) * 1_000).running).toBeGreaterThanOrEqual(1);
  });

  test('holds no more than max and no less than min, whatever comes', () => {
    const policy = policyOf({ min: 3, max: 7 });
    expect(policy.decide(IDLE, 0).running).toBe(3);
    for (let second = 0; second < 600; second += 1) {
      policy.arrived(second * 1_000, 5);
      policy.started(second * 1_000, 60_000);
      expect(policy.decide(IDLE, second * 1_000).running).toBeLessThanOrEqual(7);
    }
    expect(policy.decide(IDLE, 600_000).running).toBe(7);
    expect(policyOf({ min: 3 }).decide(IDLE, 48 * HOUR_MS).running).toBe(3);
  });

  test('grows at once, and lets go of no cell within the minute that is billed anyway', () => {
    const policy = policyOf({ max: 50 });
    for (let second = 0; second < 300; second += 1) policy.arrived(second * 1_000, 1);
    const { running, runningAtMost } = policy.decide(IDLE, 301_000);
    expect(running).toBeGreaterThan(20);
    expect(policy.decide(IDLE, 340_000).runningAtMost).toBeGreaterThanOrEqual(running);
    expect(policy.decide(IDLE, 640_000).runningAtMost).toBeLessThan(runningAtMost);
  });

  test.each([
    ['cold starts keep the SLA', { ...SLA, targetMs: 300_000 }],
    ['no tier can keep the SLA', { ...SLA, targetMs: 100 }],
  ])('holds the least allowed and says so where %s', (why, sla) => {
    expect(policyOf({ sla, min: 2 }).decide(IDLE, 0)).toEqual({
      running: 2,
      runningAtMost: 2,
      stopped: 0,
      why: `2 cells, the least allowed: ${why}`,
    });
  });

  test('keeps stopped cells where these start in time, for they cost less', () => {
    const policy = policyOf({ sla: { ...SLA, targetMs: 20_000 }, hasStopped: true });
    for (let second = 0; second < 300; second += 1) policy.arrived(second * 1_000, 1);
    expect(policy.decide(IDLE, 301_000)).toMatchObject({ running: 0 });
    expect(policy.decide(IDLE, 301_000).stopped).toBeGreaterThan(5);
  });
});
