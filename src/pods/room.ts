import { add, covers, NOTHING, type Resources } from '../core/resources.ts';
import { effectiveRequest } from '../core/sizing.ts';
import type { WirePod } from '../kube/wire-pod.ts';

/** Whether a pod will run no more, so that its kubelet counts nothing for it. */
export function isFinished(pod: WirePod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/**
 * Whether a kubelet that can give so much admits a pod beside others that it has. Local disks are not offered by what a
 * kubelet reports; everything else must be there, devices included.
 */
export function admits(allocatable: Resources, others: readonly WirePod[], pod: WirePod): boolean {
  const counted = others.filter((other) => !isFinished(other));
  const need = [...counted, pod].map(effectiveRequest).reduce(add, NOTHING);
  return covers(allocatable, { ...need, ephemeralStorageBytes: 0 });
}
