import { type Cell, classNameOf, isServed } from '../cells/cell.ts';
import { add, covers, minus, NOTHING, type Resources } from '../core/resources.ts';
import { effectiveRequest } from '../core/sizing.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import type { Standing } from '../placement/admission.ts';
import { BUILT_IN_CLASS } from '../placement/cell-classes.ts';
import type { NodePods } from './node-pods.ts';

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

/** Whether a machine has too little for a pod alone. CPU and memory are there from the beginning; devices may come later. */
export function isTooSmallFor({ cpuMilli, memoryBytes }: Resources, pod: WirePod): boolean {
  const need = effectiveRequest(pod);
  return cpuMilli < need.cpuMilli || memoryBytes < need.memoryBytes;
}

/** The pods of a cell that have not finished. */
export function livePodsOf(cell: Cell, pods: NodePods): readonly WirePod[] {
  return [...cell.members.keys()].flatMap((uid) => pods.get(uid) ?? []).filter((pod) => !isFinished(pod));
}

const NO_ROOM: Resources = { ...NOTHING, cpuMilli: -1 };

/** What pods may have together of what a machine has. */
export type Share = (on: Standing, have: Resources) => Resources;

/** What a cell can still give, of what its kubelet has reported, or its machine was bought with. */
export function freeOn(
  cell: Cell,
  pods: readonly WirePod[],
  needOf: (pod: WirePod) => Resources,
  shareOf: Share,
): Resources {
  const bought = cell.machine?.allocatable ?? cell.offering?.allocatable ?? NOTHING;
  if (cell.podSlots !== undefined && pods.length >= cell.podSlots) return NO_ROOM;
  const { ephemeralStorageBytes } = bought;
  const have = shareOf(standingOf(cell), { ...(cell.allocatable ?? bought), ephemeralStorageBytes });
  return minus(have, pods.map(needOf).reduce(add, NOTHING));
}

/** Whether a pod waits for a cell: it is to run, and has no place in one that may run it. */
export function isUnseated(pod: WirePod, cell: Cell | undefined): boolean {
  if (isFinished(pod) || pod.metadata.deletionTimestamp !== undefined) return false;
  return cell === undefined || !isServed(cell);
}

/** What is known of a cell's machine; that of an older provider is of no class. */
export function standingOf(cell: Cell): Standing {
  const known = cell.machine ?? cell.offering;
  const className = classNameOf(cell) ?? BUILT_IN_CLASS;
  return { className, ...(known === undefined ? {} : { machine: known }) };
}
