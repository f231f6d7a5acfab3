import { describe, expect, test } from 'vitest';
import { ownTaints } from '../../../src/virtual-node/taints.ts';

const ours = { key: 'virtual-kubelet.io/provider', value: 'local', effect: 'NoSchedule' };
const cordon = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule', timeAdded: '2026-01-01T00:00:00Z' };
const byHand = { key: 'team', value: 'a', effect: 'NoExecute' };

describe('own taints', () => {
  test('the taints of others are kept, ours are added', () => {
    expect(ownTaints([cordon, byHand], [ours])).toEqual([cordon, byHand, ours]);
  });

  test('ours is set to the wanted value, in its place', () => {
    expect(ownTaints([{ ...ours, value: 'old' }, cordon], [ours])).toEqual([ours, cordon]);
  });

  test('a taint of our key with another effect is somebody else’s', () => {
    const theirs = { ...ours, effect: 'NoExecute' };
    expect(ownTaints([theirs], [ours])).toEqual([theirs, ours]);
  });

  test('nothing to change gives back the same list, an empty value being none', () => {
    const current = [cordon, { ...ours, timeAdded: '2026-01-01T00:00:00Z' }, { key: 'bare', effect: 'NoSchedule' }];
    expect(ownTaints(current, [ours, { key: 'bare', value: '', effect: 'NoSchedule' }])).toBe(current);
  });
});
