import { placementWarning } from '../../src/core/placement-label.ts';
import { type AdmittedPod, daemonSetOf } from './admitted-pod.ts';
import type { ClusterFacts } from './facts.ts';

/** What a pod, or its DaemonSet, asks of routing in words that nothing follows. */
export function warningsOf(pod: AdmittedPod, namespace: string, facts: ClusterFacts): readonly string[] {
  const owner = daemonSetOf(pod);
  const said = [
    placementWarning(pod.metadata.labels ?? {}),
    owner === undefined ? undefined : facts.daemonSetPolicyWarning(namespace, owner.name),
  ];
  return said.filter((warning) => warning !== undefined);
}
