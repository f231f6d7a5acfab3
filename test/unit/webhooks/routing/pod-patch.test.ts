import { describe, expect, test } from 'vitest';
import { podPatch } from '../../../../webhooks/routing/pod-patch.ts';
import { changed, podOf, routed } from './case.ts';

const ARM = { nodeSelector: { 'kubernetes.io/arch': 'arm64' } };

describe('the patch', () => {
  test('sets only the fields that change', () => {
    const paths = podPatch(routed({ spec: ARM })).map(({ op, path }) => `${op} ${path}`);
    expect(paths).toEqual([
      'add /metadata/annotations',
      'add /spec/nodeSelector',
      'add /spec/tolerations',
      'add /spec/affinity',
    ]);
  });

  test('removes a field that becomes empty', () => {
    const spread = { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule' };
    const spec = { topologySpreadConstraints: [spread] };
    expect(podPatch(routed({ spec }))).toContainEqual({ op: 'remove', path: '/spec/topologySpreadConstraints' });
  });

  test('is empty for a pod that is left alone, and for one that is routed already', () => {
    expect(podPatch(routed({ namespace: 'kube-system' }))).toEqual([]);
    const { spec, metadata } = changed(podOf({}), routed());
    expect(podPatch(routed({ spec, metadata: { annotations: { ...metadata.annotations } } }))).toEqual([]);
  });

  test('leaves the annotations that others have made where they are', () => {
    const annotations = { mine: 'yes', 'nodeless.io/decision': 'old' };
    const [first, second] = podPatch(routed({ metadata: { annotations } }));
    expect(first).toEqual({ op: 'add', path: '/metadata/annotations/nodeless.io~1decision', value: 'cell: stateless' });
    expect(second?.path).toBe('/spec/nodeSelector');
  });

  test('removes what an earlier review has lifted, where it is not any more', () => {
    const first = changed(podOf({ spec: ARM }), routed({ spec: ARM }));
    const spec = { ...first.spec, hostNetwork: true };
    const operations = podPatch(routed({ spec, metadata: { annotations: { ...first.metadata.annotations } } }));
    expect(operations).toContainEqual({ op: 'remove', path: '/metadata/annotations/nodeless.io~1constraints' });
  });
});
