import {
  type Invariant,
  isFinished,
  MACHINE_PROGRAMS,
  mayBeLost,
  type Observation,
  type PodSeen,
} from '../observation.ts';
import { type Limit, wallPatience } from './patience.ts';

function missingOf(pod: PodSeen, { machines, namespaces, cgroups, mounts }: Observation): string | undefined {
  const { cellId } = pod;
  if (cellId === undefined) return 'no cell';
  const machine = machines.find((candidate) => candidate.cellId === cellId && candidate.podUid === pod.uid);
  if (machine?.state !== 'running') return `no running machine (${machine?.state ?? 'gone'})`;
  if (!namespaces.includes(cellId)) return 'no network namespace';
  if (!mounts.some((mount) => mount.kind === 'namespace' && mount.cellId === cellId)) return 'no namespace mounted';
  if (!cgroups.includes(cellId)) return 'no cgroup';
  if (machine.kubeletFolders === 0) return "no kubelet's folder mounted";
  const program = MACHINE_PROGRAMS.find((name) => machine.programs[name] === 0);
  return program === undefined ? undefined : `no ${program}`;
}

/**
 * Every pod that was Ready, and is wanted and not finished, has a machine with a network namespace, a cgroup, a
 * supervisor, a containerd and a kubelet, unless the soak has ended that. Whether the pod is still Ready does not
 * matter: a pod whose cell dies does not stay so. The limit is what a killed kubelet takes to be started again.
 */
export function runningPodsHaveCells(limit: Limit): Invariant {
  const overdue = wallPatience(limit);
  const wasReady = new Set<string>();
  return (seen) => {
    if (seen.api === undefined) return [];
    for (const { uid, ready } of seen.api.pods) if (ready) wasReady.add(uid);
    const running = seen.api.pods.filter((pod) => wasReady.has(pod.uid) && !pod.deleting && !isFinished(pod));
    const wrong = running
      .filter(({ cellId }) => !mayBeLost(seen, cellId))
      .flatMap((pod) => {
        const missing = missingOf(pod, seen);
        const line = `pod ${pod.name} has run on cell ${pod.cellId}, which has ${missing}`;
        return missing === undefined ? [] : [[pod.uid, line] as const];
      });
    return overdue(new Map(wrong), seen);
  };
}
