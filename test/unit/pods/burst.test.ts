import { afterEach, expect, test, vi } from 'vitest';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import { CELL_ANNOTATION, CELL_READY_CONDITION } from '../../../src/core/names.ts';
import { offering, world } from './world.ts';

const PODS = 5_000;
const BUDGET = 20;
const WAIT = { timeout: 60_000, interval: 200 };
/** Together less than the 30 s after which each of them looks again by itself. */
const [STEP_MS, STEPS] = [100, 200];

const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

test('of 5,000 pods that are created at once a budget’s worth get cells, all others are told, and have theirs in turn', {
  timeout: 180_000,
}, async () => {
  let nowMs = Date.now();
  const clock: Clock = { ...systemClock, now: () => nowMs };
  const made = world([offering('large', 1)], undefined, undefined, undefined, undefined, clock);
  stops.push(made.stop);
  made.start();
  made.classes.apply('ADDED', {
    metadata: { name: 'few', resourceVersion: '5' },
    spec: { budgets: { maxCells: BUDGET } },
  });
  const names = Array.from({ length: PODS }, (_, index) => `p${index}`);
  for (const name of names) made.pods.create(name, { metadata: { name, labels: { 'nodeless.io/cell-class': 'few' } } });
  const reasonOf = (name: string) =>
    made.pods.get(name)?.status?.conditions?.find(({ type }) => type === CELL_READY_CONDITION)?.reason;
  const waiting = () => names.filter((name) => reasonOf(name) === 'BudgetExceeded');
  const withCell = () => names.filter((name) => made.pods.get(name)?.metadata.annotations?.[CELL_ANNOTATION]);
  await vi.waitFor(() => expect([waiting().length, withCell().length]).toEqual([PODS - BUDGET, BUDGET]), WAIT);
  expect(made.launch).toHaveBeenCalledTimes(BUDGET);

  const first = withCell();
  const looks = vi.spyOn(made.assignment, 'assign');
  for (const name of first) made.pods.remove(name);
  const passes = () => {
    nowMs += STEP_MS;
    expect(withCell()).toHaveLength(BUDGET);
  };
  await vi.waitFor(passes, { timeout: STEPS * STEP_MS, interval: STEP_MS });
  expect(withCell().some((name) => first.includes(name))).toBe(false);
  expect(made.book.size).toBe(BUDGET);
  // A few for each cell that ends, not all that wait.
  expect(looks.mock.calls.length).toBeLessThan(BUDGET * 10);
});
