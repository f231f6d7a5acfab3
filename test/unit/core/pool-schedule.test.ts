import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contradiction, limitsAhead, limitsAt, type ScheduleWindow } from '../../../src/core/pool-schedule.ts';

const HOUR_MS = 3_600_000;
const OFFICE = { cron: '0 8 * * 1-5', timeZone: 'Europe/Berlin', duration: 10 * HOUR_MS, min: 5, max: 30 };
const NIGHT = { cron: '0 22 * * *', timeZone: 'UTC', duration: 8 * HOUR_MS, max: 2 };
const at = (time: string) => Date.parse(time);
const limits = (schedule: readonly ScheduleWindow[], time: string) => {
  const { min, max } = limitsAt({ min: 1, max: 10, schedule }, at(time));
  return [min, max];
};

describe('a schedule', () => {
  test.each<[string, readonly ScheduleWindow[], string, readonly number[]]>([
    ['before its window', [OFFICE], '2026-01-07T06:59:59Z', [1, 10]],
    ['from its first moment on', [OFFICE], '2026-01-07T07:00:00Z', [5, 30]],
    ['until its last', [OFFICE], '2026-01-07T16:59:59Z', [5, 30]],
    ['and not after it', [OFFICE], '2026-01-07T17:00:00Z', [1, 10]],
    ['in summer an hour earlier', [OFFICE], '2026-07-08T06:00:00Z', [5, 30]],
    ['on no other day', [OFFICE], '2026-01-10T09:00:00Z', [1, 10]],
    ['over midnight', [NIGHT], '2026-01-07T05:00:00Z', [1, 2]],
    [
      'by the highest min and the lowest max',
      [OFFICE, { ...OFFICE, min: 7, max: 20 }],
      '2026-01-07T08:00:00Z',
      [7, 20],
    ],
    ['with its own min and the pool’s max', [{ ...OFFICE, max: undefined }], '2026-01-07T08:00:00Z', [5, 10]],
    [
      'also at a time that clocks skip, an hour later',
      [{ ...OFFICE, cron: '30 2 * * *', duration: 60_000 }],
      '2026-03-29T01:00:00Z',
      [5, 30],
    ],
  ])('limits %s', (_, schedule, time, expected) => {
    expect(limits(schedule, time)).toEqual(expected);
  });

  test('counts a window that opens within the time that cells take to come, and none that closes before its end', () => {
    const spec = { min: 1, max: 3, schedule: [OFFICE] };
    const ahead = (time: string) => limitsAhead(spec, at(time), 60_000);
    expect(ahead('2026-01-07T06:58:59Z')).toMatchObject({ min: 1, max: 3 });
    expect(ahead('2026-01-07T06:59:30Z')).toMatchObject({ min: 5, max: 5 });
    expect(ahead('2026-01-07T16:59:30Z')).toMatchObject({ min: 5, max: 30 });
  });

  test.each<[string, readonly ScheduleWindow[], RegExp | undefined]>([
    ['windows that are never open together', [{ ...OFFICE, max: undefined }, NIGHT], undefined],
    ['windows that agree', [OFFICE, { ...OFFICE, min: 6 }], undefined],
    [
      'windows that are open together and leave no number',
      [
        { ...OFFICE, max: undefined },
        { ...NIGHT, duration: 10 * HOUR_MS },
      ],
      /^0 \(0 8 \* \* 1-5 Europe\/Berlin\) and 1 \(0 22 \* \* \* UTC\) are open at once, as at 2026-01-02T07:00:00.000Z, and ask for at least 5 and at most 2 cells; move/,
    ],
    [
      'a window above the pool’s max',
      [{ ...OFFICE, min: 11, max: undefined }],
      /^0 asks for at least 11 and at most 10 cells; give/,
    ],
    ['a window below the pool’s min', [{ ...NIGHT, max: 0 }], /^0 asks for at least 1 and at most 0 cells; give/],
  ])('of %s is contradictory or not, and says what mends it', (_, schedule, expected) => {
    const found = contradiction({ min: 1, max: 10, schedule });
    if (expected === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(expected);
  });

  test('that is not contradictory has a number of cells at all times', () => {
    const window = fc.record({
      cron: fc.tuple(fc.nat(59), fc.nat(23), fc.nat(6)).map(([minute, hour, day]) => `${minute} ${hour} * * ${day}`),
      timeZone: fc.constantFrom('UTC', 'Asia/Kolkata', 'America/New_York'),
      duration: fc.integer({ min: 1, max: 200 }).map((hours) => hours * HOUR_MS),
      min: fc.option(fc.nat(20), { nil: undefined }),
      max: fc.option(fc.nat(20), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(window, { maxLength: 3 }), fc.nat(300 * 24 * 60), (schedule, minute) => {
        const spec = { min: 3, max: 9, schedule };
        fc.pre(contradiction(spec) === undefined);
        const { min, max } = limitsAt(spec, at('2026-01-15T00:00:00Z') + minute * 60_000);
        expect(min).toBeLessThanOrEqual(max);
      }),
    );
  });
});
