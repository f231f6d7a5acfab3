import { describe, expect, test, vi } from 'vitest';
import { learnFromEnd } from '../../../src/pods/learning.ts';
import { cellClass } from '../../support/cell-class.ts';
import { offeringOf } from '../../support/offering.ts';

const chosen = { offering: offeringOf('m7g.large', 1), cellClass: cellClass() };

describe('a machine that ended by itself', () => {
  test.each([
    [
      { code: 'InsufficientCapacity', scope: 'account' },
      { code: 'InsufficientCapacity', identity: { scope: 'account' } },
    ],
    [{ code: 'InvalidConfig' }, { code: 'InvalidConfig', message: 'why', identity: {} }],
    [undefined, undefined],
  ] as const)('before its kubelet came is counted against what it was launched as: %j', (cause, error) => {
    const failedToBoot = vi.fn();
    learnFromEnd({ failedToBoot }, { ...chosen, phase: 'booting' }, 'why', cause);
    expect(failedToBoot).toHaveBeenCalledTimes(1);
    const [of, told] = failedToBoot.mock.calls[0] ?? [];
    expect(of).toEqual(chosen);
    if (error === undefined) expect(told).toBeUndefined();
    else expect(told).toMatchObject(error);
  });

  test.each([
    { ...chosen, phase: 'running' as const },
    { ...chosen, phase: 'ready' as const },
    { phase: 'booting' as const },
  ])('is not, where it has run pods, or was launched by another process: %j', (cell) => {
    const failedToBoot = vi.fn();
    learnFromEnd({ failedToBoot }, cell, 'why', { code: 'InsufficientCapacity' });
    expect(failedToBoot).not.toHaveBeenCalled();
  });
});
