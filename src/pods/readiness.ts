import type { V1Container, V1Pod } from '@kubernetes/client-node';
import type { PodEvidence, ProbeCounts } from '../core/pod-evidence.ts';
import { hasCondition } from '../kube/objects.ts';
import type { WirePod } from '../kube/wire-pod.ts';

/**
 * Whether somebody other than its kubelet has made a pod not Ready: all that Ready is made of is true. The node controller
 * does so while a node is silent, and a kubelet takes up to a minute to come back to an API server and say otherwise.
 */
export function markedNotReady(pod: WirePod): boolean {
  const { spec, status, metadata } = pod;
  if (status?.phase !== 'Running' || metadata.deletionTimestamp !== undefined) return false;
  const gates = (spec.readinessGates ?? []).map(({ conditionType }) => conditionType);
  const ready = status.conditions?.find(({ type }) => type === 'Ready')?.status;
  return ready === 'False' && ['ContainersReady', ...gates].every((gate) => hasCondition(pod, gate));
}

/** When Ready was last changed: evidence of before is of another outage. */
export function notReadySince(pod: WirePod): string {
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready');
  return String(ready?.lastTransitionTime ?? '');
}

export type Verdict = 'ready' | 'notReady' | 'unknown';

type Counts = ReadonlyMap<string, ProbeCounts>;

/** A kubelet counts from 0 again after a restart. */
function restarted(before: ProbeCounts, after: ProbeCounts): boolean {
  return after.successful < before.successful || after.failed < before.failed;
}

function verdictOn(container: V1Container, first: Counts, now: PodEvidence): Verdict {
  if (!now.running.has(container.name)) return 'notReady';
  // Whether a container that was started anew meanwhile has passed its startup probe can't be seen.
  if (container.readinessProbe === undefined) return container.startupProbe === undefined ? 'ready' : 'notReady';
  const before = first.get(container.name);
  const after = now.probes.get(container.name);
  if (before === undefined || after === undefined || restarted(before, after)) return 'unknown';
  if (after.failed > before.failed) return 'notReady';
  return after.successful > before.successful ? 'ready' : 'unknown';
}

function lastingContainers(pod: WirePod): readonly V1Container[] {
  const { containers, initContainers = [] } = pod.spec as NonNullable<V1Pod['spec']>;
  return [...containers, ...initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always')];
}

/**
 * Whether a pod that was marked is ready by its kubelet's own evidence: its containers run, and each readiness probe has
 * succeeded since it was first looked at, and none failed. What is not Ready is left to the kubelet to tell.
 */
export function judgeReadiness(pod: WirePod, first: Counts, now: PodEvidence): Verdict {
  const verdicts = lastingContainers(pod).map((container) => verdictOn(container, first, now));
  if (verdicts.includes('notReady')) return 'notReady';
  return verdicts.includes('unknown') ? 'unknown' : 'ready';
}

/** What later looks are compared with: of each probe its first counts, or the first of a kubelet that has restarted since. */
export function firstLookOf(first: Counts, now: Counts): Counts {
  const kept = [...now].map(([name, counts]): [string, ProbeCounts] => {
    const known = first.get(name);
    return [name, known === undefined || restarted(known, counts) ? counts : known];
  });
  return new Map([...first, ...kept]);
}

/** Kubernetes' default of a probe that names none. */
const DEFAULT_PERIOD_SECONDS = 10;
/** For the probe itself. */
const PROBE_TAKES_MS = 500;

/** By when each of the pod's readiness probes has found something new. */
export function lookEveryMs(pod: WirePod): number {
  const probes = lastingContainers(pod).flatMap(({ readinessProbe }) => readinessProbe ?? []);
  const periods = probes.map(({ periodSeconds = DEFAULT_PERIOD_SECONDS }) => Math.max(1, periodSeconds));
  return (periods.length === 0 ? DEFAULT_PERIOD_SECONDS : Math.max(...periods)) * 1_000 + PROBE_TAKES_MS;
}
