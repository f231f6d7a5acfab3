import type { V1NodeSelectorTerm, V1PodSpec } from '@kubernetes/client-node';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { admits, parseConstraints, preferenceOf } from '../../../../src/core/constraints.ts';
import type { AdmittedPod } from '../../../../webhooks/routing/admitted-pod.ts';
import { ARCH, allows, HOST, type Labels, machine, pods, ZONE } from './arbitrary-pods.ts';
import { changed, DEFAULT_TOLERATIONS, FACTS, podOf, routed, type Shape, wordsOf } from './case.ts';

/** A regular node, which need not be like the virtual one. */
const strange = fc.record(
  {
    'kubernetes.io/os': fc.constantFrom('linux', 'windows'),
    type: fc.constantFrom('virtual-kubelet', 'other'),
    pool: fc.constantFrom('gpu', 'web'),
    disk: fc.constantFrom('ssd', 'none'),
  },
  { requiredKeys: [] },
);
const tolerations = fc
  .uniqueArray(
    fc.constantFrom(
      ...DEFAULT_TOLERATIONS,
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
      { key: 'virtual-kubelet.io/provider', operator: 'Equal', value: 'local', effect: 'NoSchedule' },
      { key: 'team', operator: 'Exists' },
    ),
    { maxLength: 4 },
  )
  .map((all) => [...all]);

function constraintsOf(pod: { readonly metadata: { readonly annotations?: Labels } }) {
  return parseConstraints(pod.metadata.annotations?.['nodeless.io/constraints']);
}

const NODE = FACTS.target().nodes[0]?.labels ?? {};
const OWN = { ...NODE, 'nodeless.io/virtual-node': 'nodeless' };

function made(shape: Shape): AdmittedPod {
  return changed(podOf(shape), routed(shape));
}

const arch = (...values: string[]) => ({ key: ARCH, operator: 'In', values });
const os = (value: string) => ({ key: 'kubernetes.io/os', operator: 'In', values: [value] });

const pool = (value: string) => ({ key: 'pool', operator: 'In', values: [value] });

/** What routing requires of the node. */
const BY_NAME = {
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['nodeless'] }] }],
    },
  },
};

function withTerms(...terms: V1NodeSelectorTerm['matchExpressions'][]): Partial<V1PodSpec> {
  const nodeSelectorTerms = terms.map((matchExpressions) => ({ matchExpressions: matchExpressions ?? [] }));
  return {
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
  };
}

describe('lifting', () => {
  test('changes nothing about which machines a pod may have', () => {
    fc.assert(
      fc.property(pods, machine, (spec, offered) => {
        const route = routed({ spec });
        const wanted = allows(spec, { ...NODE, ...offered });
        if (route.verdict.decision !== 'cell') return !wanted;
        const pod = changed(podOf({ spec }), route);
        return (
          allows(pod.spec, OWN, 'nodeless') && !allows(pod.spec, OWN) && admits(constraintsOf(pod), offered) === wanted
        );
      }),
      { numRuns: 3_000 },
    );
  });

  test('leaves nothing that would let only one pod onto the virtual node', () => {
    fc.assert(
      fc.property(pods, (spec) => {
        const { after, verdict } = routed({ spec });
        if (verdict.decision !== 'cell') return;
        const anti = after.affinity.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
        expect(anti.filter(({ topologyKey }) => topologyKey === HOST)).toEqual([]);
        const strict = after.topologySpreadConstraints.filter(
          ({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule',
        );
        expect(strict).toEqual([]);
      }),
    );
  });

  test('of what is lifted already changes nothing', () => {
    fc.assert(
      fc.property(pods, (spec) => {
        const first = routed({ spec });
        const pod = changed(podOf({ spec }), first);
        const second = routed({ spec: pod.spec, metadata: pod.metadata as Shape['metadata'] & {} });
        expect(wordsOf(second)).toBe(wordsOf(first));
        expect(second.after).toEqual(second.before);
      }),
      { numRuns: 2_000 },
    );
  });

  test('is undone to the letter where another webhook has had the pod ignored since', () => {
    const labels = { 'nodeless.io/placement': 'ignore' };
    fc.assert(
      fc.property(pods, tolerations, (spec, tolerated) => {
        const whole = { ...spec, tolerations: tolerated };
        const first = made({ spec: whole });
        const again = routed({ spec: first.spec, metadata: { ...(first.metadata as object), labels } });
        const { annotations: _left, ...fields } = again.after;
        const { annotations: _none, ...before } = routed({ spec: whole }).before;
        expect(fields).toEqual(before);
      }),
      { numRuns: 2_000 },
    );
  });

  test('is undone for every node where another webhook has changed the node affinity as well', () => {
    const volumes = [{ name: 'logs', hostPath: { path: '/var/log' } }];
    const theirs = { key: 'team', operator: 'In', values: ['a'] };
    fc.assert(
      fc.property(pods, machine, strange, (spec, machineLabels, strangeLabels) => {
        const first = made({ spec });
        if (first.metadata.annotations?.['nodeless.io/decision'] !== 'cell: stateless') return;
        const nodeAffinity = first.spec.affinity?.nodeAffinity;
        const terms = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [{}];
        const added = terms.map((one) => ({ ...one, matchExpressions: [...(one.matchExpressions ?? []), theirs] }));
        const required = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: added } };
        const affinity = { ...first.spec.affinity, nodeAffinity: { ...nodeAffinity, ...required } };
        const changedSince = {
          ...first.spec,
          affinity,
          nodeSelector: { ...first.spec.nodeSelector, rack: '1' },
          volumes,
        };
        const again = routed({ spec: changedSince, metadata: first.metadata as Shape['metadata'] & {} });
        const pod = changed(first, again);
        const node = { ...NODE, ...machineLabels, ...strangeLabels, team: 'a', rack: '1' };
        // What was not allowed before is not allowed now, and their own terms hold.
        if (allows(pod.spec, node)) expect(allows(spec, node)).toBe(true);
        expect(allows(pod.spec, { ...node, rack: '2' })).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each<readonly [string, Partial<V1PodSpec>]>([
    ['an alternative that asks for nothing of the machine', withTerms([os('linux')], [arch('arm64')])],
    [
      'an alternative that the virtual node does not meet',
      withTerms([pool('gpu')], [arch('arm64'), { key: 'type', operator: 'In', values: ['virtual-kubelet'] }]),
    ],
    ['alternatives of both', withTerms([os('linux'), arch('arm64')], [pool('gpu'), arch('amd64')])],
  ])('remembers %s', (_title, spec) => {
    const first = made({ spec });
    const volumes = [{ name: 'logs', hostPath: { path: '/var/log' } }];
    const again = routed({ spec: { ...first.spec, volumes }, metadata: first.metadata as Shape['metadata'] & {} });
    expect(again.after.affinity).toEqual(spec.affinity);
  });

  test('is not remembered twice: of a plain pod nothing is kept beside the decision', () => {
    expect(Object.keys(made({}).metadata.annotations ?? {})).toEqual(['nodeless.io/decision']);
  });

  test('leaves a pod of which somebody has made the memory unreadable', () => {
    const metadata = { annotations: { 'nodeless.io/original': '{}' } };
    expect(wordsOf(routed({ metadata }))).toBe('leave: constraints (unreadable)');
  });

  test('multiplies no terms out beyond what a review can bear', () => {
    const terms = Array.from({ length: 2_000 }, () => [os('linux')]);
    const lifted = Array.from({ length: 1_000 }, (_, index) => [
      { key: ARCH, operator: 'In', values: [String(index)] },
    ]);
    const annotations = { 'nodeless.io/constraints': JSON.stringify({ required: lifted }) };
    expect(wordsOf(routed({ spec: withTerms(...terms), metadata: { annotations } }))).toContain('unreadable');
  });

  test('is undone where another webhook has made the pod stateful since, for every node and every neighbour', () => {
    const volumes = [{ name: 'logs', hostPath: { path: '/var/log' } }];
    fc.assert(
      fc.property(pods, machine, strange, (spec, machineLabels, strangeLabels) => {
        const labels = { ...machineLabels, ...strangeLabels };
        const first = made({ spec });
        const second = routed({ spec: { ...first.spec, volumes }, metadata: first.metadata as Shape['metadata'] & {} });
        expect(wordsOf(second)).toBe('leave: host-path (spec.volumes "logs")');
        const pod = changed(first, second);
        const node = { ...NODE, ...labels };
        expect(allows(pod.spec, node)).toBe(allows(spec, node));
        const { podAntiAffinity } = spec.affinity ?? {};
        const neighbours = podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
        expect(pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).toEqual(
          expect.arrayContaining(neighbours),
        );
        expect(pod.spec.topologySpreadConstraints).toHaveLength(spec.topologySpreadConstraints?.length ?? 0);
        expect(pod.spec.tolerations).toEqual(podOf({}).spec.tolerations);
        expect(Object.keys(pod.metadata.annotations ?? {})).toEqual(['nodeless.io/decision']);
      }),
    );
  });

  test('is undone without a trace where another webhook has the pod ignored since', () => {
    const first = made({ spec: withTerms([arch('arm64')]) });
    const labels = { 'nodeless.io/placement': 'ignore' };
    const second = changed(first, routed({ spec: first.spec, metadata: { ...(first.metadata as object), labels } }));
    expect(second.metadata.annotations).toEqual({});
    expect(second.spec.nodeSelector).toEqual({});
    expect(second.spec.affinity).toEqual(withTerms([arch('arm64')]).affinity);
  });

  test('drops terms that the virtual node can not meet, and never leaves an empty one', () => {
    const pod = made({ spec: withTerms([arch('arm64'), os('windows')], [arch('arm64')]) });
    expect(pod.spec.affinity).toEqual(BY_NAME);
    expect(constraintsOf(pod)).toEqual({ required: [[arch('arm64')]] });
  });

  test('of every term but one that asks for nothing of the machine leaves the machine free', () => {
    const pod = made({ spec: withTerms([arch('arm64')], [os('linux')]) });
    expect(constraintsOf(pod)).toEqual({});
  });

  test('reads the older names of labels', () => {
    const pod = made({ spec: { nodeSelector: { 'beta.kubernetes.io/arch': 'arm64' } } });
    expect(constraintsOf(pod)).toEqual({ required: [[arch('arm64')]] });
  });

  test('of preferences keeps their weight, and leaves what is about nodes', () => {
    const preferences = [
      { weight: 7, preference: { matchExpressions: [arch('arm64')] } },
      { weight: 3, preference: { matchExpressions: [{ key: 'disk', operator: 'Exists' }] } },
    ];
    const affinity = { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferences } };
    const pod = made({ spec: { affinity } });
    expect(preferenceOf(constraintsOf(pod), { [ARCH]: 'arm64' })).toBe(7);
    expect(pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution).toEqual([preferences[1]]);
  });

  test('does not lift zones where the virtual node has one', () => {
    const target = () => ({ ...FACTS.target(), nodes: [{ name: 'nodeless', labels: { ...NODE, [ZONE]: 'a' } }] });
    const inZone = (zone: string) => routed({ spec: { nodeSelector: { [ZONE]: zone } }, facts: { target } });
    expect(inZone('a').after.nodeSelector[ZONE]).toBe('a');
    expect(wordsOf(inZone('b'))).toBe('leave: selector (spec.nodeSelector "topology.kubernetes.io/zone")');
  });

  test('adds to constraints that a user has written, and leaves a pod whose constraints can not be read', () => {
    const written = (text: string) => ({
      metadata: { annotations: { 'nodeless.io/constraints': text } },
      spec: { nodeSelector: { [ZONE]: 'a' } },
    });
    const pod = made(written(JSON.stringify({ required: [[arch('arm64')]] })));
    expect(admits(constraintsOf(pod), { [ARCH]: 'arm64', [ZONE]: 'a' })).toBe(true);
    expect(admits(constraintsOf(pod), { [ARCH]: 'arm64', [ZONE]: 'b' })).toBe(false);
    expect(admits(constraintsOf(pod), { [ARCH]: 'amd64', [ZONE]: 'a' })).toBe(false);
    expect(wordsOf(routed(written('nonsense')))).toBe('leave: constraints (unreadable)');
  });

  test('does not hide what the API server is to refuse', () => {
    const { verdict, after, before } = routed({ spec: withTerms([{ key: ARCH, operator: 'Is', values: ['arm64'] }]) });
    expect(verdict.decision).toBe('leave');
    expect(after.affinity).toEqual(before.affinity);
  });

  test('remembers whom the pod may not be with, for cells of several pods', () => {
    const anti = [{ topologyKey: HOST, labelSelector: { matchLabels: { app: 'web' } } }];
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: anti } };
    const pod = made({ spec: { affinity } });
    expect(constraintsOf(pod)).toEqual({ apart: anti });
    expect(pod.spec.affinity).toEqual(BY_NAME);
  });
});
