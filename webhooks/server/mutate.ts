import type { ClusterFacts, RoutingRules } from '../routing/facts.ts';
import { podPatch } from '../routing/pod-patch.ts';
import { route } from '../routing/route.ts';
import { warningsOf } from '../routing/warnings.ts';
import { type AdmissionAnswer, type AdmissionRequest, isKind } from './admission-review.ts';
import type { WebhookMetrics } from './metrics.ts';
import { podOf } from './review-pod.ts';

export interface Routing {
  readonly rules: RoutingRules;
  readonly facts: ClusterFacts;
  readonly metrics: Pick<WebhookMetrics, 'decided'>;
}

/** Routes a pod that is created; whatever else is asked about is let through as it is. */
export function mutate(request: AdmissionRequest, { rules, facts, metrics }: Routing): AdmissionAnswer {
  if (!isKind(request, '', 'Pod') || request.operation !== 'CREATE') return { allowed: true };
  const pod = podOf(request);
  const routed = route({ pod, namespace: request.namespace, rules, facts });
  metrics.decided(routed.verdict.decision, routed.verdict.reason);
  return { allowed: true, patch: podPatch(routed), warnings: warningsOf(pod, request.namespace, facts) };
}
