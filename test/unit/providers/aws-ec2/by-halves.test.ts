import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { byHalves } from '../../../../providers/aws-ec2/instances/by-halves.ts';
import { NodelessError } from '../../../../src/core/errors.ts';

const refusal = new NodelessError({ code: 'Unauthorized', message: 'not allowed' });
const idsOf = (count: number) => Array.from({ length: count }, (_, index) => `i-${index}`);

/** Does what it is told, but for calls that name one of the bad. */
async function done(ids: readonly string[], isBad: (id: string) => boolean, error: Error = refusal) {
  const calls: (readonly string[])[] = [];
  const served: string[] = [];
  const failed = await byHalves(ids, async (some) => {
    calls.push(some);
    if (some.some(isBad)) throw error;
    served.push(...some);
  });
  return { calls, served, failed };
}

describe('what is done with one call for many', () => {
  test('is one call where nothing fails', async () => {
    const { calls, failed } = await done(idsOf(500), () => false);
    expect(calls).toHaveLength(1);
    expect(failed.size).toBe(0);
  });

  test('is done for all but those that it fails for, each once', async () => {
    const few = fc.uniqueArray(fc.nat(499), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(few, async (bad) => {
        const ids = idsOf(500);
        const isBad = (id: string) => bad.includes(Number(id.slice(2)));
        const { calls, served, failed } = await done(ids, isBad);
        expect(served.toSorted()).toEqual(ids.filter((id) => !isBad(id)).toSorted());
        expect([...failed.keys()].toSorted()).toEqual(ids.filter(isBad).toSorted());
        expect(calls.length).toBeLessThanOrEqual(64);
      }),
    );
  });

  test('ends in time where it fails for all', async () => {
    const { calls, failed } = await done(idsOf(500), () => true);
    expect(failed.size).toBe(500);
    expect(calls.length).toBeLessThanOrEqual(64);
  });

  test('is not made smaller by what may pass, such as a rate', async () => {
    const throttled = new NodelessError({ code: 'Throttled', message: 'slower', retryable: true });
    const { calls, failed } = await done(idsOf(10), () => true, throttled);
    expect(calls).toHaveLength(1);
    expect(failed.get('i-3')).toBe(throttled);
  });

  test('fails as a whole with what is no answer, such as a deadline', async () => {
    await expect(done(idsOf(10), () => true, new Error('late'))).rejects.toThrow('late');
  });
});
