import { describe, expect, test } from 'vitest';
import { EXHAUSTED_TAINT } from '../../../src/core/names.ts';
import { Collection } from '../../../src/kube/collection.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';
import { AgentSets } from '../../../src/placement/agents.ts';

const PROVIDER_TAINT = { key: 'virtual-kubelet.io/provider', value: 'local', effect: 'NoSchedule' };
const OWN = [{ key: 'virtual-kubelet.io/provider', operator: 'Exists' }];

/** An injected DaemonSet of kube-system. */
function daemonSet(name: string, tolerations: readonly object[]): KubeObject {
  const annotations = { 'nodeless.io/daemonset-policy': 'inject' };
  const containers = [{ name: 'c', resources: { requests: { cpu: '100m', memory: '64Mi' } } }];
  return {
    metadata: { name, namespace: 'kube-system', uid: `uid-${name}`, annotations },
    spec: { template: { spec: { containers, tolerations } } },
  };
}

function agentSets(taints: readonly object[]): AgentSets {
  const daemonSets = new Collection<KubeObject>();
  const sets = [
    daemonSet('everywhere', [{ operator: 'Exists' }]),
    daemonSet('careful', OWN),
    daemonSet('elsewhere', []),
  ];
  daemonSets.replace(sets, '1');
  const node = () => ({ metadata: { name: 'n', labels: {} }, spec: { taints: [PROVIDER_TAINT, ...taints] } });
  return new AgentSets({ daemonSets, node, namespaces: ['kube-system'] });
}

describe('agents in an exhausted zone', () => {
  test.each([
    ['marked', [EXHAUSTED_TAINT]],
    ['not marked', []],
  ])('have their room in every cell while its node is %s, whether they tolerate the mark or not', (_, taints) => {
    expect(
      agentSets(taints)
        .all()
        .map(({ name }) => name),
    ).toEqual(['everywhere', 'careful']);
  });

  test('that do not tolerate its mark are known, for no pod is made for them while it is set', () => {
    const kept = { namespace: 'kube-system', name: 'careful', uid: 'uid-careful' };
    expect(agentSets([EXHAUSTED_TAINT]).keptOffBy(EXHAUSTED_TAINT)).toEqual([kept]);
    expect(agentSets([]).keptOffBy(EXHAUSTED_TAINT)).toEqual([kept]);
  });
});
