import { describe, expect, test } from 'vitest';
import type { Fleet } from '../../../../providers/aws-ec2/launch/fleets.ts';
import { Shortages } from '../../../../providers/aws-ec2/launch/shortages.ts';
import type { Clock } from '../../../../src/core/clock.ts';
import { offeringOf } from '../../../support/offering.ts';

const MINUTE_MS = 60_000;
const LACKING: Fleet = {
  machines: [],
  errors: [{ ErrorCode: 'InsufficientInstanceCapacity', ErrorMessage: 'none' }],
};
const PARTLY: Fleet = { machines: [{ instanceId: 'i-1', instanceType: 'm7i.large' }], errors: LACKING.errors };
const FORBIDDEN: Fleet = { machines: [], errors: [{ ErrorCode: 'UnauthorizedOperation' }] };

function setUp(answer: Fleet = LACKING) {
  let nowMs = 1_000_000;
  const asked: string[] = [];
  const state = { answer };
  const clock: Clock = { now: () => nowMs, sleep: () => Promise.reject(new Error('nobody sleeps here')) };
  const shortages = new Shortages(clock);
  const ask = (zone = 'a') =>
    shortages.ask(offeringOf('m7g.large', 1, { zone }), async () => {
      asked.push(zone);
      // Others come meanwhile.
      await Promise.resolve();
      return state.answer;
    });
  return { ask, asked, state, pass: (ms: number) => (nowMs += ms) };
}

describe('an offering that has no machines', () => {
  test('costs at most ten launches in ten minutes, however many wait for it', async () => {
    const { ask, asked, pass } = setUp();
    for (let second = 0; second < 599; second += 1) {
      for (const fleet of await Promise.all(Array.from({ length: 5 }, () => ask()))) {
        expect(fleet).toMatchObject({ machines: [], errors: [{ ErrorCode: 'InsufficientInstanceCapacity' }] });
      }
      pass(1_000);
    }
    expect(asked.length).toBeLessThanOrEqual(10);
    const [told] = (await ask()).errors;
    expect(told?.ErrorMessage).toMatch(/^none; not asked for before .* after \d+ launches that brought nothing$/);
  });

  test('is asked for by one at a time, whose failure is that of the others', async () => {
    const { ask, asked } = setUp();
    await ask();
    const fleets = await Promise.all([ask(), ask(), ask()]);
    expect(asked).toHaveLength(2);
    expect(fleets).toEqual([LACKING, LACKING, LACKING]);
  });

  test('is asked for by all at once when one has got machines', async () => {
    const { ask, asked, state } = setUp();
    await ask();
    state.answer = PARTLY;
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([PARTLY, PARTLY, PARTLY]);
    expect(asked).toHaveLength(4);
  });

  test('is asked for again when its first failure is ten minutes ago', async () => {
    const { ask, asked, pass } = setUp();
    for (let count = 0; count < 12; count += 1) await ask();
    expect(asked).toHaveLength(10);
    pass(10 * MINUTE_MS);
    await ask();
    expect(asked).toHaveLength(11);
  });

  test('is no reason to leave another alone', async () => {
    const { ask, asked } = setUp();
    for (let count = 0; count < 12; count += 1) await ask();
    await ask('b');
    expect(asked.filter((zone) => zone === 'b')).toHaveLength(1);
  });

  test('is not one that may not be launched, or whose launch throws', async () => {
    const { ask, asked, state } = setUp(FORBIDDEN);
    for (let count = 0; count < 12; count += 1) await ask();
    expect(asked).toHaveLength(12);
    state.answer = LACKING;
    const shortages = new Shortages({ now: () => 0, sleep: async () => undefined });
    const fail = () => shortages.ask(offeringOf('m7g.large', 1), () => Promise.reject(new Error('no answer')));
    for (let count = 0; count < 12; count += 1) await expect(fail()).rejects.toThrow('no answer');
  });
});
