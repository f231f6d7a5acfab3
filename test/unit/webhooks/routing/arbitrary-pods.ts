import type { V1Affinity, V1NodeSelectorTerm, V1PodSpec } from '@kubernetes/client-node';
import fc from 'fast-check';
import { meets, type Requirement } from '../../../../src/core/constraints.ts';

export const ARCH = 'kubernetes.io/arch';
const TYPE = 'node.kubernetes.io/instance-type';
const LAUNCH = 'nodeless.io/launch-type';
export const ZONE = 'topology.kubernetes.io/zone';
export const HOST = 'kubernetes.io/hostname';

export type Labels = Record<string, string>;

/** A key of machines or of the virtual node, with values that some have. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  [ARCH]: ['amd64', 'arm64'],
  [TYPE]: ['m7g.large', 'c7i.large'],
  [LAUNCH]: ['ec2-spot', 'fargate'],
  [ZONE]: ['a', 'b'],
  type: ['virtual-kubelet', 'other'],
  'kubernetes.io/os': ['linux', 'windows'],
  disk: ['ssd', 'none'],
  pool: ['gpu', 'web'],
};

const requirement = fc.constantFrom(...Object.keys(VALUES)).chain((key) => {
  const value = fc.constantFrom(...(VALUES[key] ?? []));
  return fc.oneof(
    fc.record({
      key: fc.constant(key),
      operator: fc.constantFrom('In', 'NotIn'),
      values: fc.array(value, { minLength: 1, maxLength: 2 }),
    }),
    fc.record({ key: fc.constant(key), operator: fc.constantFrom('Exists', 'DoesNotExist') }),
  );
});
const term: fc.Arbitrary<V1NodeSelectorTerm> = fc.record({ matchExpressions: fc.array(requirement, { maxLength: 3 }) });
const nodeSelector = fc
  .dictionary(fc.constantFrom(...Object.keys(VALUES)), fc.nat(1), { maxKeys: 2 })
  .map((picked) => Object.fromEntries(Object.entries(picked).map(([key, index]) => [key, VALUES[key]?.[index] ?? ''])));
const nodeAffinity = fc.record(
  {
    requiredDuringSchedulingIgnoredDuringExecution: fc.record({
      nodeSelectorTerms: fc.array(term, { minLength: 1, maxLength: 3 }),
    }),
    preferredDuringSchedulingIgnoredDuringExecution: fc.array(
      fc.record({ weight: fc.integer({ min: 1, max: 100 }), preference: term }),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
);
/** Specs of pods that say much about nodes and machines. */
export const pods: fc.Arbitrary<Partial<V1PodSpec>> = fc.record(
  {
    nodeSelector,
    affinity: fc.record(
      {
        nodeAffinity,
        podAntiAffinity: fc.record({
          requiredDuringSchedulingIgnoredDuringExecution: fc.array(
            fc.record({ topologyKey: fc.constantFrom(HOST, ZONE), labelSelector: fc.constant({}) }),
            { maxLength: 2 },
          ),
        }),
      },
      { requiredKeys: [] },
    ) as fc.Arbitrary<V1Affinity>,
    topologySpreadConstraints: fc.array(
      fc.record({
        maxSkew: fc.constant(1),
        topologyKey: fc.constant(HOST),
        whenUnsatisfiable: fc.constantFrom('DoNotSchedule', 'ScheduleAnyway'),
      }),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
);
/** Labels of a machine. */
export const machine = fc.record({
  [ARCH]: fc.constantFrom('amd64', 'arm64'),
  [TYPE]: fc.constantFrom('m7g.large', 'c7i.large', 't4g.nano'),
  [LAUNCH]: fc.constantFrom('ec2-spot', 'fargate', 'ec2-on-demand'),
  [ZONE]: fc.constantFrom('a', 'b', 'c'),
});

function selectsNode({ matchExpressions = [], matchFields = [] }: V1NodeSelectorTerm, labels: Labels, name: string) {
  const byName = { 'metadata.name': name };
  return (
    matchExpressions.length + matchFields.length > 0 &&
    matchExpressions.every((one) => meets(one as Requirement, labels)) &&
    matchFields.every((one) => meets(one as Requirement, byName))
  );
}

/** The scheduler's rule: the selector and, where there are terms, one of them. */
export function allows({ nodeSelector: selector = {}, affinity }: Partial<V1PodSpec>, labels: Labels, name = 'node-1') {
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return (
    Object.entries(selector).every(([key, value]) => labels[key] === value) &&
    (terms === undefined || terms.some((one) => selectsNode(one, labels, name)))
  );
}
