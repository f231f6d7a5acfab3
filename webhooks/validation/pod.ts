import { PLACEMENT_LABEL } from '../../src/core/names.ts';
import type { TieKind } from '../../src/core/node-ties.ts';
import { placementOf } from '../../src/core/placement-label.ts';
import type { ClusterFacts, RoutingRules } from '../routing/facts.ts';
import { type Route, type RouteRequest, route } from '../routing/route.ts';
import { isRoutedTo } from '../routing/spec-lift.ts';
import type { Verdict } from '../routing/verdict.ts';
import { type AdmissionAnswer, type AdmissionRequest, isKind } from '../server/admission-review.ts';
import { podOf } from '../server/review-pod.ts';

type Reason = TieKind | 'selector' | 'networkpolicy' | 'constraints';

/** Why a pod can't have the cell that it asks for, and what mends it, by reason; the field goes before. */
const WHY: Partial<Readonly<Record<Reason, string>>> = {
  'persistent-volume': 'is a persistent volume, which can not be attached to a cell; use another kind of volume',
  'attached-volume': 'is attached to a node, which a cell is not; use another kind of volume',
  'csi-volume': 'has a CSI driver that cells do not have; name it in routing.csiDrivers where they do',
  selector: 'keeps the pod off the virtual node; change it so that the virtual node meets it',
  networkpolicy:
    'is a NetworkPolicy that selects the pod, and cells do not enforce it; pick a CellClass with networkPolicyEnforcer',
  constraints:
    'is what the annotation nodeless.io/constraints is; remove it, and state node selectors and affinity in the spec',
};

function messageOf({ reason, detail }: Pick<Verdict, 'reason' | 'detail'>): string {
  const why = WHY[reason as Reason] ?? 'keeps the pod from a cell';
  return `${detail ?? reason} ${why}, or remove the label ${PLACEMENT_LABEL}: cell`;
}

/** Why a pod that asks for a cell is refused, whoever routed it; undefined where it may have one, or asks for none. */
export function refusalOf(
  { pod, namespace, facts }: RouteRequest,
  { decision, reason, detail }: Route['verdict'],
): string | undefined {
  const podLabels = pod.metadata.labels ?? {};
  if (placementOf(podLabels, facts.namespaceLabels(namespace)) !== 'cell') return undefined;
  if (decision === 'leave') return messageOf(detail === undefined ? { reason } : { reason, detail });
  return decision === 'cell' ? facts.cellClassProblem(namespace, podLabels) : undefined;
}

/** Refuses a pod that asks for a cell and can't have one; all others are let through. */
export function validatePod(
  request: AdmissionRequest,
  { rules, facts }: { readonly rules: RoutingRules; readonly facts: ClusterFacts },
): AdmissionAnswer {
  if (!isKind(request, '', 'Pod') || request.operation !== 'CREATE') return { allowed: true };
  const pod = podOf(request);
  const { namespace } = request;
  if (placementOf(pod.metadata.labels ?? {}, facts.namespaceLabels(namespace)) !== 'cell') return { allowed: true };
  const asked = { pod, namespace, rules, facts };
  const { verdict, before } = route(asked);
  const refusal = refusalOf(asked, verdict);
  if (refusal !== undefined) return { allowed: false, message: refusal };
  if (verdict.decision !== 'cell' || isRoutedTo(before, facts.target())) return { allowed: true };
  const message = `the label ${PLACEMENT_LABEL}: cell was not followed, since routing did not answer in time; create the pod again`;
  return { allowed: false, message };
}
