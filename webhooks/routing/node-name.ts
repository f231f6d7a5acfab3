import type { V1Affinity, V1NodeSelectorRequirement, V1NodeSelectorTerm } from '@kubernetes/client-node';
import { tidied } from './admitted-pod.ts';

/**
 * Required node affinity by the node's name: a kubelet may give its Node labels, that of the virtual node as well, but
 * not another name.
 */
export interface ByName {
  readonly operator: 'In' | 'NotIn';
  readonly node: string;
}

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';

function requirementOf({ operator, node }: ByName): V1NodeSelectorRequirement {
  return { key: 'metadata.name', operator, values: [node] };
}

function isSame({ key, operator, values }: V1NodeSelectorRequirement, byName: ByName): boolean {
  return key === 'metadata.name' && operator === byName.operator && values?.length === 1 && values[0] === byName.node;
}

function isEmpty({ matchExpressions = [], matchFields = [] }: V1NodeSelectorTerm): boolean {
  return matchExpressions.length + matchFields.length === 0;
}

function withTerms(affinity: V1Affinity, terms: readonly V1NodeSelectorTerm[] | undefined): V1Affinity {
  const { [REQUIRED]: _before, ...others } = affinity.nodeAffinity ?? {};
  const required = terms === undefined ? {} : { [REQUIRED]: { nodeSelectorTerms: [...terms] } };
  return tidied({ ...affinity, nodeAffinity: { ...others, ...required } });
}

/** Affinity with that required in each term. One without anything selects no node, and stays as it is. */
export function requiring(affinity: V1Affinity, byName: ByName): V1Affinity {
  const terms = affinity.nodeAffinity?.[REQUIRED]?.nodeSelectorTerms;
  if (terms === undefined) return withTerms(affinity, [{ matchFields: [requirementOf(byName)] }]);
  const bound = terms.map((term) => {
    const { matchFields = [] } = term;
    if (isEmpty(term) || matchFields.some((one) => isSame(one, byName))) return term;
    return { ...term, matchFields: [...matchFields, requirementOf(byName)] };
  });
  return withTerms(affinity, bound);
}

/** The inverse. */
export function notRequiring(affinity: V1Affinity, byName: ByName): V1Affinity {
  const terms = affinity.nodeAffinity?.[REQUIRED]?.nodeSelectorTerms;
  if (terms === undefined) return affinity;
  const free = terms.map(({ matchFields = [], ...term }) => {
    const kept = matchFields.filter((one) => !isSame(one, byName));
    return kept.length === 0 ? term : { ...term, matchFields: kept };
  });
  return withTerms(affinity, free.some(isEmpty) ? undefined : free);
}

/** Whether affinity itself requires that a node be this one. */
export function requiresNode(affinity: V1Affinity, node: string): boolean {
  const terms = affinity.nodeAffinity?.[REQUIRED]?.nodeSelectorTerms ?? [];
  return (
    terms.length > 0 &&
    terms.every(({ matchFields = [] }) => matchFields.some((one) => isSame(one, { operator: 'In', node })))
  );
}
