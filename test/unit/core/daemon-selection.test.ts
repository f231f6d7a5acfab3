import type { V1PodSpec } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import { wantsPodOn } from '../../../src/core/daemon-selection.ts';

const NODE = {
  name: 'nodeless',
  labels: { 'kubernetes.io/os': 'linux', type: 'virtual-kubelet' },
  taints: [
    { key: 'virtual-kubelet.io/provider', value: 'local', effect: 'NoSchedule' },
    { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' },
    { key: 'soft', effect: 'PreferNoSchedule' },
    { key: 'nodeless.io/exhausted', value: 'capacity', effect: 'NoSchedule' },
  ],
};
const EVERYWHERE = [{ operator: 'Exists' }];

function affinity(...nodeSelectorTerms: object[]): Partial<V1PodSpec> {
  const required = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } };
  return { affinity: { nodeAffinity: required as never } };
}

const os = (operator: string, ...values: string[]) => ({
  matchExpressions: [{ key: 'kubernetes.io/os', operator, values }],
});
const named = (name: string) => ({ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] });

describe('a DaemonSet wants a pod on the virtual node', () => {
  test.each([
    ['when it tolerates all taints', { tolerations: EVERYWHERE }, true],
    [
      'when it tolerates its own taint',
      { tolerations: [{ key: 'virtual-kubelet.io/provider', operator: 'Exists' }] },
      true,
    ],
    [
      'not when it tolerates the taint of another provider',
      { tolerations: [{ key: 'virtual-kubelet.io/provider', value: 'aws' }] },
      false,
    ],
    ['not when it tolerates nothing', {}, false],
    ['when its selector does', { tolerations: EVERYWHERE, nodeSelector: { type: 'virtual-kubelet' } }, true],
    ['not when its selector does not', { tolerations: EVERYWHERE, nodeSelector: { type: 'metal' } }, false],
    [
      'when one of its terms matches',
      { tolerations: EVERYWHERE, ...affinity(os('In', 'windows'), os('NotIn', 'mac')) },
      true,
    ],
    ['not when none does', { tolerations: EVERYWHERE, ...affinity(os('In', 'windows')) }, false],
    ['not by an empty term', { tolerations: EVERYWHERE, ...affinity({}) }, false],
    ['when it names the node', { tolerations: EVERYWHERE, ...affinity(named('nodeless')) }, true],
    ['not when it names another', { tolerations: EVERYWHERE, ...affinity(named('other')) }, false],
  ])('%s', (_, spec, wanted) => {
    expect(wantsPodOn({ containers: [], ...spec } as V1PodSpec, NODE)).toBe(wanted);
  });
});
