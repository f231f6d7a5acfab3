import { describe, expect, test } from 'vitest';
import { Sizing } from '../../../src/warm-pool/sizing.ts';
import { StartRecord } from '../../../src/warm-pool/start-record.ts';

const NOON_MS = Date.UTC(2026, 0, 7, 12);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function terms(more: object = {}, record = new StartRecord()) {
  const spec = { startupSla: { target: 5_000, percentile: 95 }, min: 0, max: 20, replicas: 0, ...more };
  return {
    spec,
    affordable: Number.POSITIVE_INFINITY,
    starts: record.measured('ec2-on-demand', { ms: 5_000, isUnreachable: false }, NOON_MS),
  };
}

/** A pod every ten seconds for an hour. */
function busyHour(sizing: Sizing, fromMs = NOON_MS): number {
  for (let atMs = fromMs; atMs < fromMs + HOUR_MS; atMs += 10_000) {
    sizing.arrived(atMs, 1);
    sizing.level(atMs, terms());
  }
  return fromMs + HOUR_MS;
}

/** Time goes by; a clock that seems to jump would make it forget. */
function quietUntil(sizing: Sizing, fromMs: number, toMs: number): void {
  for (let atMs = fromMs; atMs < toMs; atMs += 300_000) sizing.level(atMs, terms());
  sizing.level(toMs, terms());
}

describe('the size of a pool', () => {
  test('without data is its least, and grows with demand', () => {
    const sizing = new Sizing();
    expect(sizing.level(NOON_MS, terms()).running).toBe(0);
    const nowMs = busyHour(sizing);
    expect(sizing.level(nowMs, terms()).running).toBeGreaterThan(2);
  });

  test('follows an edit of its limits at once', () => {
    const sizing = new Sizing();
    const nowMs = busyHour(sizing);
    expect(sizing.level(nowMs, terms({ max: 2 }))).toMatchObject({ running: 2, atMost: 2 });
    expect(sizing.level(nowMs, terms({ min: 15 })).running).toBe(15);
    expect(sizing.level(nowMs, { ...terms(), affordable: 1 })).toMatchObject({ running: 1, atMost: 1 });
  });

  test('follows an edit of its SLA at once, and knows the pods of the last hour still', () => {
    const sizing = new Sizing();
    const nowMs = busyHour(sizing);
    const lax = sizing.level(nowMs, terms({ startupSla: { target: 120_000, percentile: 95 } }));
    expect([lax.running, lax.needed]).toEqual([0, 'none']);
    expect(sizing.level(nowMs, terms()).running).toBeGreaterThan(2);
  });

  test('after an edit knows the days before still, once it was told of them a little at a time', () => {
    const sizing = new Sizing();
    for (let day = 0; day < 4; day += 1) {
      const noonMs = NOON_MS + day * DAY_MS;
      sizing.arrived(noonMs, 10);
      quietUntil(sizing, noonMs, noonMs + DAY_MS - 10_000);
    }
    const nowMs = NOON_MS + 4 * DAY_MS - 10_000;
    const edited = terms({ startupSla: { target: 4_000, percentile: 95 } });
    expect(sizing.level(nowMs, edited).running).toBe(0);
    let slices = 0;
    for (; sizing.level(nowMs, edited).running === 0 && slices < 1_000; slices += 1) {
      let steps = 100;
      sizing.learn(nowMs, () => steps-- > 0);
    }
    expect(sizing.level(nowMs, edited).running).toBeGreaterThanOrEqual(10);
    expect(slices).toBeGreaterThan(5);
  });

  test('is by word where there is one, within its limits', () => {
    const sizing = new Sizing();
    expect(sizing.level(NOON_MS, terms({ replicas: 7 }))).toMatchObject({ running: 7, atMost: 7 });
    expect(sizing.level(NOON_MS, terms({ replicas: 70 })).running).toBe(20);
  });

  test.each([
    ['forward by a month', 30 * 24 * HOUR_MS],
    ['back by a day', -24 * HOUR_MS],
  ])('survives a clock that jumps %s: nothing is counted through, and demand is learned anew', (_what, jumpMs) => {
    const sizing = new Sizing();
    const nowMs = busyHour(sizing) + jumpMs;
    const beganMs = performance.now();
    expect(sizing.level(nowMs, terms()).running).toBe(0);
    expect(performance.now() - beganMs).toBeLessThan(5_000);
    expect(sizing.level(busyHour(sizing, nowMs), terms()).running).toBeGreaterThan(2);
  });

  test('is right for what was measured, as soon as that is not what was assumed', () => {
    const sizing = new Sizing();
    const nowMs = busyHour(sizing);
    const record = new StartRecord();
    for (let start = 0; start < 5; start += 1) {
      record.ordered(1_000);
      record.started('cold', 1_500, nowMs);
    }
    expect(sizing.level(nowMs, terms({}, record)).needed).toBe('none');
  });

  test('is its least where warm starts are too slow, until that is an hour ago', () => {
    const sizing = new Sizing();
    const nowMs = busyHour(sizing);
    const record = new StartRecord();
    for (let start = 0; start < 5; start += 1) record.started('warm', 9_000, NOON_MS);
    expect(sizing.level(nowMs, terms({ min: 1 }, record))).toMatchObject({ running: 1, needed: 'unreachable' });
    const later = record.measured('ec2-on-demand', { ms: 5_000, isUnreachable: true }, NOON_MS + HOUR_MS + 1);
    expect(sizing.level(nowMs, { ...terms(), starts: later }).needed).toBe('rate');
  });
});
