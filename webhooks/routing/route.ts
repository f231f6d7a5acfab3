import { type Constraints, parseConstraints } from '../../src/core/constraints.ts';
import { formatDecision } from '../../src/core/decision.ts';
import { isNodelessError } from '../../src/core/errors.ts';
import {
  CONSTRAINTS_ANNOTATION,
  DECISION_ANNOTATION,
  ORIGINAL_ANNOTATION,
  VIRTUAL_NODE_LABEL,
} from '../../src/core/names.ts';
import { type AdmittedPod, type Routed, routedOf } from './admitted-pod.ts';
import type { ClusterFacts, RoutingRules } from './facts.ts';
import { isToBeKeptOff } from './keeping-off.ts';
import { requiring } from './node-name.ts';
import { isRoutedTo, remembering, unrouted } from './spec-lift.ts';
import { nodeNames, type Target } from './target.ts';
import { canonicalText } from './three-way.ts';
import { tolerating } from './tolerations.ts';
import { judge, type Verdict } from './verdict.ts';

/** A verdict, and the pod's fields as they have to become. */
export interface Route {
  readonly verdict: Pick<Verdict, 'decision' | 'reason' | 'detail'>;
  readonly before: Routed;
  readonly after: Routed;
}

export interface RouteRequest {
  readonly pod: AdmittedPod;
  /** Of the request: a pod's own metadata may lack it. */
  readonly namespace: string;
  readonly rules: RoutingRules;
  readonly facts: ClusterFacts;
}

/** Of constraints that are read once for many pods. */
const texts = new WeakMap<Constraints, string>();

/** The annotation, or undefined where there is nothing to say. @throws NodelessError ConfigInvalid for what it can't hold */
function constraintsText(constraints: Constraints): string | undefined {
  if (Object.keys(constraints).length === 0) return undefined;
  // As it will be read, so that reading and writing it again changes nothing.
  const read = parseConstraints(JSON.stringify(constraints));
  const text = texts.get(read) ?? canonicalText(read);
  texts.set(read, text);
  return text;
}

function annotated({ annotations }: Routed, { decision, reason, detail }: Verdict, constraints?: string) {
  const { [CONSTRAINTS_ANNOTATION]: _before, ...others } = annotations;
  return {
    ...others,
    ...(constraints === undefined ? {} : { [CONSTRAINTS_ANNOTATION]: constraints }),
    [DECISION_ANNOTATION]: formatDecision(decision, reason, detail),
  };
}

function sentTo(target: Target, routed: Routed): Routed {
  return {
    ...routed,
    nodeSelector: { ...routed.nodeSelector, [VIRTUAL_NODE_LABEL]: target.name },
    tolerations: tolerating(routed.tolerations, target.taints),
    affinity: requiring(routed.affinity, { operator: 'In', nodes: nodeNames(target) }),
  };
}

function keptOff(routed: Routed, target: Target): Routed {
  return { ...routed, affinity: requiring(routed.affinity, { operator: 'NotIn', nodes: nodeNames(target) }) };
}

function carriedOut(verdict: Verdict, original: Routed, plain: Routed, target: Target): Routed {
  const { decision, lifted } = verdict;
  if (decision === 'untouched') {
    if (!isRoutedTo(original, target) && original.annotations[ORIGINAL_ANNOTATION] === undefined) return original;
    const { [DECISION_ANNOTATION]: _decision, ...annotations } = plain.annotations;
    return { ...plain, annotations };
  }
  if (lifted === undefined) {
    const left = { ...plain, annotations: annotated(plain, verdict) };
    return verdict.isKeptOff ? remembering(plain, keptOff(left, target), target) : left;
  }
  const annotations = annotated(lifted.routed, verdict, constraintsText(lifted.constraints));
  return remembering(plain, sentTo(target, { ...lifted.routed, annotations }), target);
}

/** Judges a pod by the table, and says what becomes of it. Pure; what it has made comes out again as it is. */
export function route({ pod, namespace, rules, facts }: RouteRequest): Route {
  const before = routedOf(pod);
  const target = facts.target();
  // Every row of the table asks for it.
  const known = { ...facts, target: () => target };
  try {
    const plain = unrouted(before, target);
    const verdict = judge({ pod, namespace, routed: plain, rules, facts: known });
    return { verdict, before, after: carriedOut(verdict, before, plain, target) };
  } catch (error) {
    // What the pod says can't be lifted: either a user wrote the annotation, or the API server will refuse the pod.
    if (!isNodelessError(error, 'ConfigInvalid')) throw error;
    const verdict: Verdict = { decision: 'leave', reason: 'constraints', detail: 'unreadable' };
    const annotations = {
      ...before.annotations,
      [DECISION_ANNOTATION]: formatDecision('leave', 'constraints', 'unreadable'),
    };
    const left = { ...before, annotations };
    const isKeptOff = isToBeKeptOff({ pod, routed: before, target, isForbidden: true });
    return { verdict, before, after: isKeptOff ? keptOff(left, target) : left };
  }
}
