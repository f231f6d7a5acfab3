import { describe, expect, test } from 'vitest';
import { podPatch } from '../../../../webhooks/routing/pod-patch.ts';
import { changed, podOf, routed } from './case.ts';

describe('the patch', () => {
  test('sets only the fields that change', () => {
    const spec = { nodeSelector: { 'kubernetes.io/arch': 'arm64' } };
    const paths = podPatch(routed({ spec })).map(({ op, path }) => `${op} ${path}`);
    expect(paths).toEqual(['add /metadata/annotations', 'add /spec/nodeSelector', 'add /spec/tolerations']);
  });

  test('removes a field that becomes empty', () => {
    const anti = [{ topologyKey: 'kubernetes.io/hostname' }];
    const spec = { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: anti } } };
    expect(podPatch(routed({ spec }))).toContainEqual({ op: 'remove', path: '/spec/affinity' });
  });

  test('is empty for a pod that is left alone, and for one that is routed already', () => {
    expect(podPatch(routed({ namespace: 'kube-system' }))).toEqual([]);
    const { spec, metadata } = changed(podOf({}), routed());
    expect(podPatch(routed({ spec, metadata: { annotations: { ...metadata.annotations } } }))).toEqual([]);
  });

  test('keeps the annotations that others have made', () => {
    const [first] = podPatch(routed({ metadata: { annotations: { mine: 'yes' } } }));
    expect(first).toMatchObject({ value: { mine: 'yes', 'nodeless.io/decision': 'cell: stateless' } });
  });
});
