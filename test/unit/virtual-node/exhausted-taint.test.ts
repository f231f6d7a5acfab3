import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../src/kube/objects.ts';
import { exhaustedPatch, isMarkedExhausted, takesPods } from '../../../src/virtual-node/exhausted-taint.ts';

const OURS = { key: 'nodeless.io/exhausted', value: 'capacity', effect: 'NoSchedule' };
const CORDON = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

function node(taints: readonly object[], spec: object = {}, ready = 'True'): KubeObject {
  return {
    metadata: { name: 'n', resourceVersion: '7' },
    spec: { taints, ...spec },
    status: { conditions: [{ type: 'Ready', status: ready }] },
  };
}

describe('the mark of an exhausted zone', () => {
  test('is set beside what others have put there, and taken away without touching that', () => {
    const guarded = (taints: readonly object[]) => ({ metadata: { resourceVersion: '7' }, spec: { taints } });
    expect(exhaustedPatch(node([CORDON]), true)).toEqual(guarded([CORDON, OURS]));
    expect(exhaustedPatch(node([OURS, CORDON]), false)).toEqual(guarded([CORDON]));
  });

  test('that stands, or is not there, is not written', () => {
    expect(exhaustedPatch(node([OURS]), true)).toBeUndefined();
    expect(exhaustedPatch({ metadata: { name: 'n' } }, false)).toBeUndefined();
    expect(isMarkedExhausted(node([CORDON]))).toBe(false);
  });

  test.each([
    ['a Ready node', node([]), true],
    ['one whose zone is exhausted', node([OURS]), false],
    ['one that is cordoned', node([CORDON], { unschedulable: true }), false],
    ['one that is not Ready', node([], {}, 'Unknown'), false],
    ['one that is deleted', { ...node([]), metadata: { name: 'n', deletionTimestamp: 'now' } }, false],
  ])('%s takes pods: %#', (_what, object, takes) => {
    expect(takesPods(object)).toBe(takes);
  });
});
