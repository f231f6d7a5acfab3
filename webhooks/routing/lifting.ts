import type { V1NodeSelectorRequirement, V1NodeSelectorTerm, V1PreferredSchedulingTerm } from '@kubernetes/client-node';
import { type Constraints, canonicalLabel, meets, type Requirement, type Term } from '../../src/core/constraints.ts';
import type { Standpoint } from './target.ts';
import { canonicalText } from './three-way.ts';

/** A requirement or a list of them without regard to where it stands twice. */
function unique<T>(items: readonly T[]): T[] {
  const seen = new Map(items.map((item) => [canonicalText(item), item]));
  return [...seen.values()];
}

interface Split {
  readonly lifted: Term;
  readonly rest: V1NodeSelectorTerm;
  /** Whether the virtual node meets the rest. */
  readonly met: boolean;
}

function split(term: V1NodeSelectorTerm, at: Standpoint): Split {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  const labels = at.labels;
  const kept = expressions.filter(({ key }) => !at.isLifted(canonicalLabel(key)));
  const lifted = expressions.filter(({ key }) => at.isLifted(canonicalLabel(key)));
  const met = (one: V1NodeSelectorRequirement, has: Readonly<Record<string, string>>) => meets(one as Requirement, has);
  return {
    lifted: lifted.map((one) => ({ ...one, key: canonicalLabel(one.key) }) as Requirement),
    rest: {
      ...(kept.length > 0 ? { matchExpressions: kept } : {}),
      ...(fields.length > 0 ? { matchFields: fields } : {}),
    },
    met:
      // A term without anything selects no node.
      expressions.length + fields.length > 0 &&
      kept.every((one) => met(one, labels)) &&
      fields.every((one) => met(one, { 'metadata.name': at.name })),
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
  return unique(any.map((term) => unique([...all, ...term])));
}

/** A node selector, in parts. Undefined where the virtual node does not meet what is left of it. */
export function liftSelector(
  selector: Readonly<Record<string, string>>,
  at: Standpoint,
): { readonly rest: Readonly<Record<string, string>>; readonly lifted: Term } | undefined {
  // In one order, whatever order the members stand in: the same pod is to be told the same.
  const entries = Object.entries(selector).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const labels = at.labels;
  const rest = entries.filter(([key]) => !at.isLifted(canonicalLabel(key)));
  if (!rest.every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value)) return undefined;
  const lifted = entries.filter(([key]) => at.isLifted(canonicalLabel(key)));
  return {
    rest: Object.fromEntries(rest),
    lifted: lifted.map(([key, value]) => ({ key: canonicalLabel(key), operator: 'In', values: [value] })),
  };
}

/**
 * Required node affinity, of which one term must hold. Terms whose rest the virtual node does not meet are dropped.
 * Where a term's rest is empty, nothing is left to require of the node: an empty term would select no node at all.
 * Undefined where no term is left.
 */
export function liftRequired(
  all: Term,
  terms: readonly V1NodeSelectorTerm[] | undefined,
  at: Standpoint,
): Lifted<V1NodeSelectorTerm> | undefined {
  if (terms === undefined) return { rest: [], constraints: all.length === 0 ? {} : { required: [all] } };
  const kept = terms.map((term) => split(term, at)).filter(({ met }) => met);
  if (kept.length === 0) return undefined;
  const required = distribute(
    all,
    kept.map(({ lifted }) => lifted),
  );
  const isFree = kept.some(({ rest }) => Object.keys(rest).length === 0);
  return {
    rest: isFree ? [] : unique(kept.map(({ rest }) => rest)),
    constraints: required === undefined ? {} : { required },
  };
}

/** Preferred node affinity: what prefers machines is lifted where the virtual node meets the rest; all else stays. */
export function liftPreferred(
  terms: readonly V1PreferredSchedulingTerm[],
  at: Standpoint,
): Lifted<V1PreferredSchedulingTerm> {
  const parts = terms.map((term) => ({ term, ...split(term.preference ?? {}, at) }));
  const preferred = parts.filter(({ lifted, met }) => lifted.length > 0 && met);
  return {
    rest: parts.filter(({ lifted, met }) => lifted.length === 0 || !met).map(({ term }) => term),
    constraints:
      preferred.length === 0
        ? {}
        : { preferred: preferred.map(({ term, lifted }) => ({ weight: term.weight, term: lifted })) },
  };
}
