import type { V1Affinity, V1NodeSelectorTerm } from '@kubernetes/client-node';
import { NodelessError } from '../../src/core/errors.ts';
import type { Routed } from './admitted-pod.ts';
import { tidied } from './admitted-pod.ts';

/** The fields of a pod's spec that routing may change. */
export type RoutedSpec = Omit<Routed, 'annotations'>;

/** More alternatives than these are nobody's; each review goes through them all. */
const MAX_TERMS = 10_000;

/** The same text for the same value of JSON, in whatever order its members stand; members without a value do not count. */
export function canonicalText(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
  const members = value as Readonly<Record<string, unknown>>;
  const keys = Object.keys(members).filter((key) => members[key] !== undefined);
  return `{${keys
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalText(members[key])}`)
    .join(',')}}`;
}

/** Items without regard to where one stands twice. */
export function distinct<T>(items: readonly T[]): T[] {
  if (items.length < 2) return [...items];
  const seen = new Map(items.map((item) => [canonicalText(item), item]));
  return [...seen.values()];
}

/** Each of some terms with each of others: both hold. @throws NodelessError ConfigInvalid where they are too many */
export function crossed(
  some: readonly V1NodeSelectorTerm[],
  others: readonly V1NodeSelectorTerm[],
): readonly V1NodeSelectorTerm[] {
  if (some.length * others.length > MAX_TERMS) {
    const message = `the pod's node affinity has more than ${MAX_TERMS} alternatives; state fewer`;
    throw new NodelessError({ code: 'ConfigInvalid', message });
  }
  const both = <T>(a: readonly T[] = [], b: readonly T[] = []) => [...a, ...b];
  return some.flatMap((a) =>
    others.map((b) => {
      const expressions = both(a.matchExpressions, b.matchExpressions);
      const fields = both(a.matchFields, b.matchFields);
      return {
        ...(expressions.length > 0 ? { matchExpressions: expressions } : {}),
        ...(fields.length > 0 ? { matchFields: fields } : {}),
      };
    }),
  );
}

type Labels = Readonly<Record<string, string>>;
type Items = readonly unknown[];

/** What others did to a map since `after`, done to `before`. */
function mergedMap(before: Labels, after: Labels, now: Labels): Labels {
  const isTakenOut = (key: string) => Object.hasOwn(after, key) && !Object.hasOwn(now, key);
  const kept = Object.entries(before).filter(([key]) => !isTakenOut(key));
  const theirs = Object.entries(now).filter(([key, value]) => !(Object.hasOwn(after, key) && after[key] === value));
  return Object.fromEntries([...kept, ...theirs]);
}

/** What others did to a list since `after`, done to `before`. */
function mergedList<T extends Items>(before: T, after: T, now: T): T {
  const [was, had, has] = [before, after, now].map((items) => new Set(items.map(canonicalText)));
  const kept = before.filter((item) => !had?.has(canonicalText(item)) || has?.has(canonicalText(item)));
  const theirs = now.filter((item) => !had?.has(canonicalText(item)) && !was?.has(canonicalText(item)));
  return [...kept, ...theirs] as unknown as T;
}

/**
 * Required node affinity that others have changed: what they say now and what was said before have both to hold. Their
 * terms come without what routing says of the node by its name.
 */
function mergedTerms(
  before: readonly V1NodeSelectorTerm[],
  now: readonly V1NodeSelectorTerm[],
  nodes: readonly string[],
): readonly V1NodeSelectorTerm[] {
  const isOurs = ({ key, values }: { readonly key: string; readonly values?: readonly string[] }) =>
    key === 'metadata.name' && values?.length === 1 && nodes.includes(values[0] ?? '');
  const bare = now.map(({ matchExpressions = [], matchFields = [] }) => ({
    matchExpressions,
    matchFields: matchFields.filter((one) => !isOurs(one)),
  }));
  // Of several nodes each has a term of its own.
  const theirs = nodes.length > 1 ? distinct(bare) : bare;
  const isSaying = ({ matchExpressions = [], matchFields = [] }: V1NodeSelectorTerm) =>
    matchExpressions.length + matchFields.length > 0;
  const isFree = !theirs.every(isSaying);
  if (before.length === 0) return isFree ? [] : crossed([{}], theirs);
  // One without anything selects no node, and must not come to select some.
  const selecting = before.filter(isSaying);
  return theirs.length === 0 || selecting.length === 0 ? before : crossed(selecting, theirs);
}

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';

function termsOf({ nodeAffinity }: V1Affinity): readonly V1NodeSelectorTerm[] {
  return nodeAffinity?.[REQUIRED]?.nodeSelectorTerms ?? [];
}

function listOf(affinity: V1Affinity, kind: string, name: string): Items {
  const part = (affinity as Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>)[kind];
  const list = part?.[name];
  return Array.isArray(list) ? list : [];
}

function mergedAffinity(before: V1Affinity, after: V1Affinity, now: V1Affinity, nodes: readonly string[]): V1Affinity {
  if (canonicalText(after) === canonicalText(now)) return before;
  const lists = (kind: string) =>
    Object.fromEntries(
      [REQUIRED, 'preferredDuringSchedulingIgnoredDuringExecution']
        .filter((name) => kind !== 'nodeAffinity' || name !== REQUIRED)
        .map((name) => {
          const [was, had, has] = [before, after, now].map((affinity) => listOf(affinity, kind, name));
          return [name, mergedList(was ?? [], had ?? [], has ?? [])];
        }),
    );
  const isSame = canonicalText(termsOf(after)) === canonicalText(termsOf(now));
  const terms = isSame ? termsOf(before) : mergedTerms(termsOf(before), termsOf(now), nodes);
  const required = terms.length === 0 ? {} : { [REQUIRED]: { nodeSelectorTerms: [...terms] } };
  return tidied({
    nodeAffinity: { ...required, ...lists('nodeAffinity') },
    podAffinity: lists('podAffinity'),
    podAntiAffinity: lists('podAntiAffinity'),
  } as V1Affinity);
}

/**
 * A spec as it was before routing, with what others have done to it since: they have made `now` of `after`. What they
 * have not touched is again as it was, to the letter.
 * @throws NodelessError ConfigInvalid for node affinity of too many terms
 */
export function merged(before: RoutedSpec, after: RoutedSpec, now: RoutedSpec, nodes: readonly string[]): RoutedSpec {
  const list = <T extends Items>(was: T, had: T, has: T) =>
    canonicalText(had) === canonicalText(has) ? was : mergedList(was, had, has);
  return {
    nodeSelector: mergedMap(before.nodeSelector, after.nodeSelector, now.nodeSelector),
    tolerations: list(before.tolerations, after.tolerations, now.tolerations),
    affinity: mergedAffinity(before.affinity, after.affinity, now.affinity, nodes),
    topologySpreadConstraints: list(
      before.topologySpreadConstraints,
      after.topologySpreadConstraints,
      now.topologySpreadConstraints,
    ),
  };
}
