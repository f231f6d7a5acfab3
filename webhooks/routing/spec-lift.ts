import { isDeepStrictEqual } from 'node:util';
import type { V1Affinity, V1NodeAffinity, V1NodeSelectorTerm } from '@kubernetes/client-node';
import { type Constraints, parseConstraints, type Term } from '../../src/core/constraints.ts';
import { decisionOf } from '../../src/core/decision.ts';
import {
  CONSTRAINTS_ANNOTATION,
  DECISION_ANNOTATION,
  ORIGINAL_ANNOTATION,
  VIRTUAL_NODE_LABEL,
} from '../../src/core/names.ts';
import { type Routed, tidied } from './admitted-pod.ts';
import { liftIsolation, sharesItsHost, strangeTopology } from './isolation.ts';
import { liftPreferred, liftRequired, liftSelector, unmetLabel } from './lifting.ts';
import { notRequiring } from './node-name.ts';
import { originalText, parseOriginal } from './original.ts';
import { nodeNames, type Standpoint, type Target } from './target.ts';
import { canonicalText, crossed, merged } from './three-way.ts';
import { withoutTolerating } from './tolerations.ts';

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';

/** What is left of a pod's fields, and what its machine has to answer. */
export type SpecLift =
  | { readonly routed: Routed; readonly constraints: Constraints }
  /** The field that keeps the pod off the virtual node. */
  | { readonly excludedBy: string };

function withNodeAffinity(
  affinity: V1Affinity,
  required: readonly V1NodeSelectorTerm[],
  part: V1NodeAffinity,
): V1Affinity {
  const nodeAffinity: V1NodeAffinity = {
    ...part,
    ...(required.length === 0 ? {} : { [REQUIRED]: { nodeSelectorTerms: [...required] } }),
  };
  return tidied({ ...affinity, nodeAffinity });
}

/** Takes what only a machine can answer out of a pod, and says what of the rest excludes all virtual nodes. */
export function liftSpec(pod: Routed, at: Standpoint): SpecLift {
  const selector = liftSelector(pod.nodeSelector, at);
  if (selector === undefined) return { excludedBy: `spec.nodeSelector "${unmetLabel(pod.nodeSelector, at)}"` };
  const { [REQUIRED]: requirement, [PREFERRED]: preferences, ...others } = pod.affinity.nodeAffinity ?? {};
  const required = liftRequired(selector.lifted, requirement?.nodeSelectorTerms, selector.at);
  if (required === undefined) return { excludedBy: 'spec.affinity.nodeAffinity' };
  const preferred = liftPreferred(preferences ?? [], selector.at);
  const part = { ...others, [PREFERRED]: [...preferred.rest] };
  const affinity =
    pod.affinity.nodeAffinity === undefined ? pod.affinity : withNodeAffinity(pod.affinity, required.rest, part);
  const neighbours = liftIsolation({ affinity, spread: pod.topologySpreadConstraints });
  const strange = strangeTopology(neighbours, selector.at.nodes);
  if (strange !== undefined) return { excludedBy: strange };
  if (neighbours.constraints.spread !== undefined && sharesItsHost(neighbours))
    return { excludedBy: 'spec.topologySpreadConstraints' };
  return {
    routed: {
      ...pod,
      nodeSelector: selector.rest,
      affinity: neighbours.affinity,
      topologySpreadConstraints: neighbours.spread,
    },
    constraints: { ...required.constraints, ...preferred.constraints, ...neighbours.constraints },
  };
}

/** Each of the pod's terms with each of those that were lifted, so that the pod says again all that it has said. */
function restoredTerms(terms: readonly V1NodeSelectorTerm[], lifted: readonly Term[]): V1NodeSelectorTerm[] {
  const said = lifted.map((requirements) => ({ matchExpressions: [...requirements] })) as V1NodeSelectorTerm[];
  return [...crossed(terms.length === 0 ? [{}] : terms, said)];
}

function restore(pod: Routed, { required, preferred = [], apart = [], spread = [] }: Constraints): Routed {
  const { nodeAffinity = {}, podAntiAffinity = {} } = pod.affinity;
  const terms = nodeAffinity[REQUIRED]?.nodeSelectorTerms ?? [];
  const preferences = preferred.map(({ weight, term }) => ({ weight, preference: { matchExpressions: [...term] } }));
  const affinity = {
    ...pod.affinity,
    nodeAffinity: {
      ...nodeAffinity,
      ...(required === undefined ? {} : { [REQUIRED]: { nodeSelectorTerms: restoredTerms(terms, required) } }),
      [PREFERRED]: [...(nodeAffinity[PREFERRED] ?? []), ...preferences],
    },
    podAntiAffinity: { ...podAntiAffinity, [REQUIRED]: [...(podAntiAffinity[REQUIRED] ?? []), ...apart] },
  };
  return {
    ...pod,
    affinity: tidied(affinity as V1Affinity),
    topologySpreadConstraints: [...pod.topologySpreadConstraints, ...spread] as Routed['topologySpreadConstraints'],
  };
}

/** Whether an earlier review has sent the pod to the virtual node. */
export function isRoutedTo(pod: Routed, target: Target): boolean {
  const decision = decisionOf(pod.annotations[DECISION_ANNOTATION]);
  const isSent = decision === 'cell' || decision === 'node-cell';
  return isSent && pod.nodeSelector[VIRTUAL_NODE_LABEL] === target.name;
}

/** A pod as it was before an earlier review, by the constraints and by what routing adds. */
function unroutedByConstraints(pod: Routed, target: Target): Routed {
  const { [CONSTRAINTS_ANNOTATION]: text, ...others } = pod.annotations;
  const isOurs = isRoutedTo(pod, target);
  const byName = { operator: 'In', nodes: nodeNames(target) } as const;
  const free = isOurs ? { ...pod, affinity: notRequiring(pod.affinity, byName) } : pod;
  const restored = text === undefined ? free : restore({ ...free, annotations: others }, parseConstraints(text));
  if (!isOurs) return restored;
  const { [VIRTUAL_NODE_LABEL]: _ours, ...nodeSelector } = restored.nodeSelector;
  return { ...restored, nodeSelector, tolerations: withoutTolerating(restored.tolerations, target.taints) };
}

/**
 * A pod as it was before an earlier review: what was lifted is back in its spec, and what was added is gone. So a pod
 * that others have changed since is judged anew, as a whole.
 * @throws NodelessError ConfigInvalid for annotations that can not be read
 */
export function unrouted(pod: Routed, target: Target): Routed {
  const { [ORIGINAL_ANNOTATION]: text, [CONSTRAINTS_ANNOTATION]: _lifted, ...annotations } = pod.annotations;
  if (text === undefined) return unroutedByConstraints(pod, target);
  const { before, after } = parseOriginal(text);
  return { ...merged(before, after, pod, nodeNames(target)), annotations };
}

/**
 * A routed pod, from which its spec before can be told to the letter: most can be told from as they are.
 * @throws NodelessError ConfigInvalid for a pod of which too much would have to be remembered
 */
export function remembering(before: Routed, after: Routed, target: Target): Routed {
  const { annotations: _now, ...spec } = unroutedByConstraints(after, target);
  const { annotations: _before, ...wanted } = before;
  // Quick for most; the other knows no prototypes and no members without a value.
  if (isDeepStrictEqual(spec, wanted) || canonicalText(spec) === canonicalText(wanted)) return after;
  const annotations = { ...after.annotations, [ORIGINAL_ANNOTATION]: originalText(before, after) };
  return { ...after, annotations };
}
