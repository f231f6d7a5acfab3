import type { V1PodSpec } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import { selectsNode } from '../../../src/core/node-selection.ts';

const ZONE = 'topology.kubernetes.io/zone';
const NODE = { name: 'nodeless-b', labels: { [ZONE]: 'b', 'nodeless.io/virtual-node': 'nodeless' } };

function required(...terms: readonly object[]): Partial<V1PodSpec> {
  const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [...terms] } };
  return { affinity: { nodeAffinity } } as Partial<V1PodSpec>;
}

const inZone = (...values: string[]) => ({ matchExpressions: [{ key: ZONE, operator: 'In', values }] });
const named = (value: string, operator = 'In') => ({
  matchFields: [{ key: 'metadata.name', operator, values: [value] }],
});

describe('a node', () => {
  test.each<[string, Partial<V1PodSpec>, boolean]>([
    ['that nothing is asked of', {}, true],
    ['whose labels are selected', { nodeSelector: { [ZONE]: 'b' } }, true],
    ['whose label has another value', { nodeSelector: { [ZONE]: 'a' } }, false],
    ['without the label', { nodeSelector: { pool: 'x' } }, false],
    ['that one of the terms admits', required(inZone('a'), inZone('b', 'c')), true],
    ['that no term admits', required(inZone('a')), false],
    ['that is named', required(named('nodeless-a'), named('nodeless-b')), true],
    [
      'that is named in a term which asks for another zone',
      required({ ...named('nodeless-b'), ...inZone('a') }),
      false,
    ],
    ['that is excluded by name', required(named('nodeless-b', 'NotIn')), false],
    ['before a term without anything', required({}), false],
    [
      'that a term admits and the selector does not',
      { nodeSelector: { [ZONE]: 'a' }, ...required(inZone('b')) },
      false,
    ],
  ])('%s: %j is %s', (_what, spec, selected) => {
    expect(selectsNode({ containers: [], ...spec }, NODE)).toBe(selected);
  });
});
