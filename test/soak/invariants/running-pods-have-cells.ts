import { type Invariant, isFinished, mayBeLost, type Observation, type PodSeen } from '../observation.ts';
import { type Limit, wallPatience } from './patience.ts';

function missingOf(pod: PodSeen, { machines, namespaces, cgroups }: Observation): string | undefined {
  const { cellId } = pod;
  if (cellId === undefined) return 'no cell';
  const machine = machines.find((candidate) => candidate.cellId === cellId && candidate.podUid === pod.uid);
  if (machine?.state !== 'running') return `no running machine (${machine?.state ?? 'gone'})`;
  if (!namespaces.includes(cellId)) return 'no network namespace';
  if (!cgroups.includes(cellId)) return 'no cgroup';
  return machine.hasKubelet ? undefined : 'no kubelet';
}

/**
 * Every pod that is Running and Ready has a machine with a network namespace, a cgroup and a kubelet, unless the soak
 * has ended that. The limit is what a killed kubelet takes to be started again.
 */
export function runningPodsHaveCells(limit: Limit): Invariant {
  const overdue = wallPatience(limit);
  return (seen) => {
    const running = (seen.api?.pods ?? []).filter((pod) => pod.ready && !pod.deleting && !isFinished(pod));
    const wrong = running
      .filter(({ cellId }) => !mayBeLost(seen, cellId))
      .flatMap((pod) => {
        const missing = missingOf(pod, seen);
        const line = `pod ${pod.name} is Ready on cell ${pod.cellId}, which has ${missing}`;
        return missing === undefined ? [] : [[pod.uid, line] as const];
      });
    return overdue(new Map(wrong), seen);
  };
}
