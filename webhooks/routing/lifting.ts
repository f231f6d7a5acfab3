import type { V1NodeSelectorRequirement, V1NodeSelectorTerm, V1PreferredSchedulingTerm } from '@kubernetes/client-node';
import {
  type Constraints,
  canonicalLabel,
  meets,
  type Requirement,
  type Term,
  ZONE_LABEL,
} from '../../src/core/constraints.ts';
import type { Standpoint, TargetNode } from './target.ts';
import { distinct } from './three-way.ts';

interface Split {
  readonly lifted: Term;
  readonly rest: V1NodeSelectorTerm;
  /** The virtual nodes that meet the rest. */
  readonly nodes: readonly TargetNode[];
}

function split(term: V1NodeSelectorTerm, at: Standpoint): Split {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  const kept = expressions.filter(({ key }) => !at.isLifted(canonicalLabel(key)));
  const lifted = expressions.filter(({ key }) => at.isLifted(canonicalLabel(key)));
  const met = (one: V1NodeSelectorRequirement, has: Readonly<Record<string, string>>) => meets(one as Requirement, has);
  const isMetBy = ({ name, labels }: TargetNode) =>
    kept.every((one) => met(one, labels)) && fields.every((one) => met(one, { 'metadata.name': name }));
  return {
    lifted: lifted.map((one) => ({ ...one, key: canonicalLabel(one.key) }) as Requirement),
    rest: {
      ...(kept.length > 0 ? { matchExpressions: kept } : {}),
      ...(fields.length > 0 ? { matchFields: fields } : {}),
    },
    // A term without anything selects no node.
    nodes: expressions.length + fields.length === 0 ? [] : at.nodes.filter(isMetBy),
  };
}

/** What node affinity becomes when the machine's part is taken out of it. */
export interface Lifted<T> {
  readonly rest: readonly T[];
  readonly constraints: Constraints;
}

/** `all` and any of `any`, as any of conjunctions; undefined for what is always true. */
function distribute(all: Term, any: readonly Term[]): readonly Term[] | undefined {
  if (any.some((term) => term.length === 0)) return all.length === 0 ? undefined : [all];
  return distinct(any.map((term) => distinct([...all, ...term])));
}

/** The label of a node selector that no virtual node has so; where each has one of them, the first. */
export function unmetLabel(selector: Readonly<Record<string, string>>, { nodes, isLifted }: Standpoint): string {
  const kept = Object.keys(selector)
    .filter((key) => !isLifted(canonicalLabel(key)))
    .toSorted();
  const isUnmet = (key: string) => nodes.every(({ labels }) => labels[key] !== selector[key]);
  return kept.find(isUnmet) ?? kept[0] ?? '';
}

/** A node selector, in parts, and the virtual nodes that meet what is left of it. Undefined where none does. */
export function liftSelector(
  selector: Readonly<Record<string, string>>,
  at: Standpoint,
): { readonly rest: Readonly<Record<string, string>>; readonly lifted: Term; readonly at: Standpoint } | undefined {
  // In one order, whatever order the members stand in: the same pod is to be told the same.
  const entries = Object.entries(selector).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const rest = entries.filter(([key]) => !at.isLifted(canonicalLabel(key)));
  const nodes = at.nodes.filter(({ labels }) =>
    rest.every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value),
  );
  if (nodes.length === 0) return undefined;
  const lifted = entries.filter(([key]) => at.isLifted(canonicalLabel(key)));
  return {
    rest: Object.fromEntries(rest),
    lifted: lifted.map(([key, value]) => ({ key: canonicalLabel(key), operator: 'In', values: [value] })),
    at: { ...at, nodes },
  };
}

/** The machine's part of a term, and the zones of the nodes that it leaves where it leaves not all. */
function withZones({ lifted, nodes }: Split, at: Standpoint): Term {
  if (nodes.length === at.nodes.length) return lifted;
  const values = distinct(nodes.flatMap(({ labels }) => labels[ZONE_LABEL] ?? []));
  return values.length === 0 ? lifted : [{ key: ZONE_LABEL, operator: 'In', values }, ...lifted];
}

/**
 * The machine's part of each alternative. Where one asks for something else of its machine than another does, its zones go
 * along: the scheduler chooses a node, and does not tell by which alternative.
 */
function machineTerms(kept: readonly Split[], at: Standpoint): readonly Term[] {
  const isCorrelated = kept.length > 1 && kept.some(({ lifted }) => lifted.length > 0);
  return kept.map((one) => (isCorrelated ? withZones(one, at) : one.lifted));
}

/**
 * Required node affinity, of which one term must hold. Terms whose rest no virtual node meets are dropped.
 * Where a term's rest is empty, nothing is left to require of the node: an empty term would select no node at all.
 * Undefined where no term is left.
 */
export function liftRequired(
  all: Term,
  terms: readonly V1NodeSelectorTerm[] | undefined,
  at: Standpoint,
): Lifted<V1NodeSelectorTerm> | undefined {
  if (terms === undefined) return { rest: [], constraints: all.length === 0 ? {} : { required: [all] } };
  const kept = terms.map((term) => split(term, at)).filter(({ nodes }) => nodes.length > 0);
  if (kept.length === 0) return undefined;
  const required = distribute(all, machineTerms(kept, at));
  const isFree = kept.some(({ rest }) => Object.keys(rest).length === 0);
  return {
    rest: isFree ? [] : distinct(kept.map(({ rest }) => rest)),
    constraints: required === undefined ? {} : { required },
  };
}

/**
 * Preferred node affinity: what prefers machines is lifted where a virtual node meets the rest; all else stays. So does such a
 * rest where not all meet it, for it is by that that the scheduler chooses among them.
 */
export function liftPreferred(
  terms: readonly V1PreferredSchedulingTerm[],
  at: Standpoint,
): Lifted<V1PreferredSchedulingTerm> {
  const parts = terms.map((term) => ({ term, ...split(term.preference ?? {}, at) }));
  const isLifted = ({ lifted, nodes }: Split) => lifted.length > 0 && nodes.length > 0;
  const preferred = parts.filter(isLifted);
  const staying = (part: (typeof parts)[number]): readonly V1PreferredSchedulingTerm[] => {
    if (!isLifted(part)) return [part.term];
    return part.nodes.length === at.nodes.length ? [] : [{ weight: part.term.weight, preference: part.rest }];
  };
  return {
    rest: parts.flatMap(staying),
    constraints:
      preferred.length === 0
        ? {}
        : { preferred: preferred.map((part) => ({ weight: part.term.weight, term: withZones(part, at) })) },
  };
}
