import type { V1Container, V1Pod } from '@kubernetes/client-node';
import type { PodEvidence } from '../core/pod-evidence.ts';
import type { WirePod } from '../kube/wire-pod.ts';

function statusOf(pod: WirePod, type: string): string | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type)?.status;
}

/**
 * Whether somebody other than its kubelet has made a pod not Ready: all that Ready is made of is true. The node controller
 * does so while a node is silent, and a kubelet takes up to a minute to come back to an API server and say otherwise.
 */
export function markedNotReady(pod: WirePod): boolean {
  const { spec, status, metadata } = pod;
  if (status?.phase !== 'Running' || metadata.deletionTimestamp !== undefined) return false;
  const gates = (spec.readinessGates ?? []).map(({ conditionType }) => conditionType);
  return statusOf(pod, 'Ready') === 'False' && ['ContainersReady', ...gates].every((t) => statusOf(pod, t) === 'True');
}

/** When Ready was last changed: evidence of before is of another outage. */
export function notReadySince(pod: WirePod): string {
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready');
  return String(ready?.lastTransitionTime ?? '');
}

export type Verdict = 'ready' | 'notReady' | 'unknown';

function verdictOn(container: V1Container, earlier: PodEvidence | undefined, now: PodEvidence): Verdict {
  if (!now.running.has(container.name)) return 'notReady';
  // Whether a container that was started anew meanwhile has passed its startup probe can't be seen.
  if (container.readinessProbe === undefined) return container.startupProbe === undefined ? 'ready' : 'notReady';
  const before = earlier?.probes.get(container.name);
  const after = now.probes.get(container.name);
  if (before === undefined || after === undefined) return 'unknown';
  if (after.failed > before.failed) return 'notReady';
  return after.successful > before.successful ? 'ready' : 'unknown';
}

/**
 * Whether a pod that was marked is ready by its kubelet's own evidence: its containers run, and each readiness probe has
 * succeeded since the earlier look, and none failed. What is not Ready is left to the kubelet to tell.
 */
export function judgeReadiness(pod: WirePod, earlier: PodEvidence | undefined, now: PodEvidence): Verdict {
  const { containers, initContainers = [] } = pod.spec as NonNullable<V1Pod['spec']>;
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always');
  const verdicts = [...containers, ...sidecars].map((container) => verdictOn(container, earlier, now));
  if (verdicts.includes('notReady')) return 'notReady';
  return verdicts.includes('unknown') ? 'unknown' : 'ready';
}
