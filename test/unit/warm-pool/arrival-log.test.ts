import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ArrivalLog } from '../../../src/warm-pool/arrival-log.ts';

const NOON_MS = Date.UTC(2026, 0, 7, 12);
const DAY_MS = 86_400_000;

function podsOf(log: ArrivalLog): number {
  return log.bins.reduce((sum, { pods }) => sum + pods, 0);
}

const arrivals = fc.array(fc.tuple(fc.integer({ min: 0, max: 500_000 }), fc.integer({ min: 1, max: 50 })));

function logOf(list: readonly (readonly [gapMs: number, pods: number])[]): { log: ArrivalLog; atMs: number } {
  const log = new ArrivalLog();
  let atMs = NOON_MS;
  for (const [gapMs, pods] of list) {
    atMs += gapMs;
    log.add(atMs, pods);
  }
  return { log, atMs };
}

test('keeps every pod of eight days, in order, however wide its bins are', () => {
  fc.assert(
    fc.property(arrivals, fc.integer({ min: 0, max: 8 }), (list, widenings) => {
      let { log } = logOf(list);
      const { atMs } = logOf(list);
      for (let times = 0; times < widenings; times += 1) log = log.wider() ?? log;
      const told = [...log.batches()];
      const all = list.reduce((sum, [, pods]) => sum + pods, 0);
      expect(podsOf(log)).toBe(all);
      expect(told.reduce((sum, { pods }) => sum + pods, 0)).toBe(all);
      expect(told.map((batch) => batch.atMs)).toEqual(told.map((batch) => batch.atMs).sort((a, b) => a - b));
      expect(told.at(-1)?.atMs ?? 0).toBeLessThan(atMs + log.widthMs);
      expect(told).toHaveLength(list.length);
    }),
  );
});

test('forgets what is older than eight days', () => {
  const { log } = logOf([
    [0, 1],
    [DAY_MS, 2],
    [8 * DAY_MS, 4],
  ]);
  expect(podsOf(log)).toBe(6);
});

test('is no larger for a pod a second for days: its bins get wider', () => {
  const log = new ArrivalLog();
  for (let second = 0; second < 250_000; second += 1) log.add(NOON_MS + second * 1_000, 1);
  expect(log.bins.length).toBeLessThanOrEqual(20_000);
  expect(log.widthMs).toBeLessThanOrEqual(20_000);
  expect(podsOf(log)).toBe(250_000);
});
