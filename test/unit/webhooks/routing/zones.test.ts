import type { V1PodSpec } from '@kubernetes/client-node';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { admits, parseConstraints, preferenceOf } from '../../../../src/core/constraints.ts';
import { ownConstraints } from '../../../../src/placement/own-terms.ts';
import { unrouted } from '../../../../webhooks/routing/spec-lift.ts';
import { ARCH, allows, HOST, machine, pods, ZONE } from './arbitrary-pods.ts';
import { changed, inZones, podOf, routed, type Shape, wordsOf } from './case.ts';

const facts = inZones('a', 'b');
const [NODE_A] = facts.target().nodes;
const SELECTED = { 'nodeless.io/virtual-node': 'nodeless' };

function routedPod(spec: Partial<V1PodSpec>) {
  const route = routed({ spec, facts });
  return { route, pod: changed(podOf({ spec }), route) };
}

const inZone = (...values: string[]) => ({ key: ZONE, operator: 'In', values });
const ofArch = (...values: string[]) => ({ key: ARCH, operator: 'In', values });

function requiring(...terms: readonly object[][]): Partial<V1PodSpec> {
  const nodeSelectorTerms = terms.map((matchExpressions) => ({ matchExpressions }));
  const required = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } };
  return { affinity: { nodeAffinity: required } } as Partial<V1PodSpec>;
}

describe('routing to a virtual node for each zone', () => {
  test('changes nothing about which machines of which zone a pod may have', () => {
    fc.assert(
      fc.property(pods, machine, fc.constantFrom(...facts.target().nodes), (spec, some, node) => {
        const offered = { ...some, [ZONE]: node.labels[ZONE] ?? '' };
        const wanted = allows(spec, { ...node.labels, ...offered });
        const { route, pod } = routedPod(spec);
        if (route.verdict.decision !== 'cell') return !wanted;
        const lifted = parseConstraints(pod.metadata.annotations?.['nodeless.io/constraints']);
        const schedulable = allows(pod.spec, { ...node.labels, ...SELECTED }, node.name);
        const placeable = [lifted, ownConstraints(pod.spec)].every((one) => admits(one, offered));
        const elsewhere = allows(pod.spec, { ...node.labels, ...SELECTED }, 'node-1');
        return (schedulable && placeable) === wanted && !elsewhere;
      }),
      { numRuns: 500 },
    );
  });

  test('is done once, and can be taken back to the letter', () => {
    fc.assert(
      fc.property(pods, (spec) => {
        const first = routedPod(spec);
        if (first.route.verdict.decision !== 'cell') return;
        const again = routed({ ...first.pod, facts } as Shape);
        expect(wordsOf(again)).toBe(wordsOf(first.route));
        expect(again.after).toEqual(again.before);
        const { annotations: _now, ...back } = unrouted(first.route.after, facts.target());
        const { annotations: _before, ...before } = first.route.before;
        expect({ ...back, tolerations: [] }).toEqual({ ...before, tolerations: [] });
      }),
      { numRuns: 300 },
    );
  });

  test('leaves the zone to the scheduler, and names each node in a term of its own', () => {
    const { route, pod } = routedPod({ nodeSelector: { [ZONE]: 'a' } });
    expect(wordsOf(route)).toBe('cell: stateless');
    expect(pod.spec.nodeSelector).toEqual({ [ZONE]: 'a', ...SELECTED });
    const named = ['nodeless-a', 'nodeless-b'].map((name) => ({
      matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }],
    }));
    expect(pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution).toEqual({
      nodeSelectorTerms: named,
    });
  });

  test('tells a pod from before by what it is, without a copy of it, also where it names zones', () => {
    for (const spec of [{}, { nodeSelector: { [ZONE]: 'a' } }, requiring([inZone('a')], [inZone('b')])]) {
      const { pod } = routedPod(spec);
      expect(pod.metadata.annotations).not.toHaveProperty(['nodeless.io/original']);
    }
  });

  test('leaves a pod alone whose zone has no virtual node, or whose terms no node meets together', () => {
    expect(wordsOf(routedPod({ nodeSelector: { [ZONE]: 'c' } }).route)).toBe(
      'leave: selector (spec.nodeSelector "topology.kubernetes.io/zone")',
    );
    const contradictory = { nodeSelector: { [ZONE]: 'a' }, ...requiring([inZone('b')]) };
    expect(wordsOf(routedPod(contradictory).route)).toBe('leave: selector (spec.affinity.nodeAffinity)');
  });

  test('keeps spread over zones for the scheduler, and lifts spread and anti-affinity by host', () => {
    const over = (topologyKey: string) => ({ topologyKey, maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' });
    const apart = [{ topologyKey: HOST, labelSelector: {} }];
    const { route, pod } = routedPod({
      topologySpreadConstraints: [over(ZONE), over(HOST)],
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: apart } },
    });
    expect(route.verdict.decision).toBe('cell');
    expect(pod.spec.topologySpreadConstraints).toEqual([over(ZONE)]);
    expect(pod.spec.affinity?.podAntiAffinity).toBeUndefined();
  });

  test('gives the machine the zone of the alternative that asks for it', () => {
    const { pod } = routedPod(requiring([inZone('a'), ofArch('arm64')], [inZone('b'), ofArch('amd64')]));
    const lifted = parseConstraints(pod.metadata.annotations?.['nodeless.io/constraints']);
    expect(admits(lifted, { [ZONE]: 'a', [ARCH]: 'arm64' })).toBe(true);
    expect(admits(lifted, { [ZONE]: 'a', [ARCH]: 'amd64' })).toBe(false);
  });

  test('prefers the zone of a preferred machine with the same weight on both sides, and only where zones differ in it', () => {
    const preferring = (weight: number, ...matchExpressions: object[]) => ({
      weight,
      preference: { matchExpressions },
    });
    const os = { key: 'kubernetes.io/os', operator: 'In', values: ['linux'] };
    const preferences = [
      preferring(7, inZone('a'), ofArch('arm64')),
      preferring(5, os, ofArch('arm64')),
      preferring(3, inZone('b')),
    ];
    const nodeAffinity = { preferredDuringSchedulingIgnoredDuringExecution: preferences };
    const { route, pod } = routedPod({ affinity: { nodeAffinity } } as Partial<V1PodSpec>);
    expect(pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution).toEqual([
      preferring(7, inZone('a')),
      preferring(3, inZone('b')),
    ]);
    const lifted = parseConstraints(pod.metadata.annotations?.['nodeless.io/constraints']);
    expect(preferenceOf(lifted, { [ZONE]: 'a', [ARCH]: 'arm64' })).toBe(12);
    expect(preferenceOf(lifted, { [ZONE]: 'b', [ARCH]: 'arm64' })).toBe(5);
    const again = routed({ ...pod, facts } as Shape);
    expect(again.after).toEqual(again.before);
    expect(unrouted(route.after, facts.target()).affinity).toEqual({ nodeAffinity });
  });

  test('takes a pod that names one of the nodes, and keeps one that stays off all of them', () => {
    expect(wordsOf(routedPod({ nodeName: NODE_A?.name ?? '' }).route)).toBe('cell: stateless');
    expect(wordsOf(routedPod({ nodeName: 'regular-1' }).route)).toBe('leave: selector (spec.nodeName)');
    const spec = { tolerations: [{ operator: 'Exists' }], hostNetwork: true };
    const { pod } = routedPod(spec);
    const values = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
    const off = (name: string) => ({ key: 'metadata.name', operator: 'NotIn', values: [name] });
    expect(values).toEqual([{ matchFields: [off('nodeless-a'), off('nodeless-b')] }]);
  });
});
