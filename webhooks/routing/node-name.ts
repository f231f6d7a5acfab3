import type { V1Affinity, V1NodeSelectorRequirement, V1NodeSelectorTerm } from '@kubernetes/client-node';
import { tidied } from './admitted-pod.ts';
import { distinct } from './three-way.ts';

/**
 * Required node affinity by the nodes' names, one of them or none: a kubelet may give its Node labels, that of the
 * virtual nodes as well, but not another name.
 */
export interface ByName {
  readonly operator: 'In' | 'NotIn';
  readonly nodes: readonly string[];
}

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';

/** In each alternative what a term has to have; Kubernetes takes one name for each requirement. */
function requirementsOf({ operator, nodes }: ByName): readonly (readonly V1NodeSelectorRequirement[])[] {
  const each = nodes.map((node) => ({ key: 'metadata.name', operator, values: [node] }));
  return operator === 'In' ? each.map((one) => [one]) : [each];
}

function isSame({ key, operator, values = [] }: V1NodeSelectorRequirement, byName: ByName): boolean {
  const [name = '', ...others] = values;
  const isOne = others.length === 0 && byName.nodes.includes(name);
  return key === 'metadata.name' && operator === byName.operator && isOne;
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
  const required = requirementsOf(byName);
  if (terms === undefined)
    return withTerms(
      affinity,
      required.map((matchFields) => ({ matchFields: [...matchFields] })),
    );
  const bound = terms.flatMap((term) => {
    const { matchFields = [] } = term;
    if (isEmpty(term) || matchFields.some((one) => isSame(one, byName))) return [term];
    return required.map((more) => ({ ...term, matchFields: [...matchFields, ...more] }));
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
  const alternatives = byName.nodes.length > 1 ? distinct(free) : free;
  return withTerms(affinity, free.some(isEmpty) ? undefined : alternatives);
}

/** Whether affinity itself requires that a node be one of these. */
export function requiresNode(affinity: V1Affinity, nodes: readonly string[]): boolean {
  const terms = affinity.nodeAffinity?.[REQUIRED]?.nodeSelectorTerms ?? [];
  return (
    terms.length > 0 &&
    terms.every(({ matchFields = [] }) => matchFields.some((one) => isSame(one, { operator: 'In', nodes })))
  );
}
