import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../src/kube/objects.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { mayNeedNodeCell, placeOf } from '../../../src/placement/place.ts';
import { podOf } from './pods.ts';

function owned(annotations: Record<string, string> = {}): WirePod {
  const pod = podOf('agent-x');
  const ownerReferences = [{ kind: 'DaemonSet', name: 'agent', uid: 'ds' }];
  return { ...pod, metadata: { ...pod.metadata, annotations, ownerReferences } };
}

function daemonSet(annotations: Record<string, string> = {}, uid = 'ds'): KubeObject {
  return { metadata: { name: 'agent', namespace: 'ns', uid, annotations } };
}

describe('where a pod runs', () => {
  test.each([
    [undefined, 'cell'],
    ['node-cell: host-path (spec.volumes "data")', 'node-cell'],
    ['cell: stateless', 'cell'],
    ['nonsense', 'cell'],
  ])('is told by routing’s annotation %s', (decision, place) => {
    const pod = podOf('p');
    const annotations = decision === undefined ? {} : { 'nodeless.io/decision': decision };
    expect(placeOf({ ...pod, metadata: { ...pod.metadata, annotations } }, () => undefined)).toBe(place);
  });

  test.each([
    [{}, 'absorbed'],
    [{ 'nodeless.io/daemonset-policy': 'node-cell' }, 'node-cell'],
    [{ 'nodeless.io/daemonset-policy': 'nonsense' }, 'absorbed'],
  ])('is the DaemonSet’s policy for its pods (%j)', (annotations, place) => {
    expect(placeOf(owned(), () => daemonSet(annotations))).toBe(place);
  });

  test('is not what a DaemonSet’s pod says of itself', () => {
    const pod = owned({ 'nodeless.io/decision': 'node-cell: x', 'nodeless.io/daemonset-policy': 'node-cell' });
    expect(placeOf(pod, () => daemonSet())).toBe('absorbed');
  });

  test('is not known while the DaemonSet is not, or is another of that name', () => {
    expect(placeOf(owned(), () => undefined)).toBeUndefined();
    expect(placeOf(owned(), () => daemonSet({}, 'other'))).toBeUndefined();
  });

  test('may be the node cell for whoever asks, and for a DaemonSet’s pods, whatever their policy is by now', () => {
    const asking = { ...podOf('p'), metadata: { name: 'p', annotations: { 'nodeless.io/decision': 'node-cell: x' } } };
    expect([podOf('p'), asking, owned()].map(mayNeedNodeCell)).toEqual([false, true, true]);
  });
});
