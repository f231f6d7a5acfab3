import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideNotice, LAST_MS, type NoticedPod, type NoticeStep } from '../../../src/interruption/decide.ts';

const POD: NoticedPod = { isGoing: false, hasReplacer: true, reserve: 'none' };
const ENDS = 120_000;

describe('a pod whose machine is about to end', () => {
  test.each<[Partial<NoticedPod>, number, NoticeStep]>([
    [{}, 0, 'reserve'],
    [{ reserve: 'coming' }, 0, 'wait'],
    [{ reserve: 'ready' }, 0, 'evict'],
    [{ reserve: 'impossible' }, 0, 'evict'],
    [{ reserve: 'coming' }, ENDS - LAST_MS, 'end'],
    [{ reserve: 'ready' }, ENDS - LAST_MS, 'end'],
    [{ hasReplacer: false }, 0, 'wait'],
    [{ hasReplacer: false }, ENDS - LAST_MS, 'end'],
    [{ isGoing: true }, ENDS, 'nothing'],
  ])('of which %j holds at %i ms of 120,000: %s', (facts, nowMs, step) => {
    expect(decideNotice({ ...POD, ...facts }, { nowMs, endsAtMs: ENDS })).toBe(step);
  });

  test('is never made to end where it is not known when that would be', () => {
    const pods = fc.record({
      isGoing: fc.boolean(),
      hasReplacer: fc.boolean(),
      reserve: fc.constantFrom('none', 'coming', 'ready', 'impossible'),
    });
    fc.assert(fc.property(pods, fc.nat(), (pod, nowMs) => decideNotice(pod as NoticedPod, { nowMs }) !== 'end'));
  });
});
