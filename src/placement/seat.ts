import { covers, type Resources } from '../core/resources.ts';
import { podName, type WirePod } from '../kube/wire-pod.ts';
import { foeAmong, isMateOf } from './company.ts';

/** A cell that pods may share, as placement sees it. */
export interface Host<T> {
  readonly cell: T;
  /** Its pods that have not finished. */
  readonly pods: readonly WirePod[];
  /** What it has left for others. */
  readonly free: Resources;
  /** Why it is not for the pod, whatever room it has: `is of another CellClass`. */
  readonly obstacle?: string | undefined;
}

/** What becomes of a pod that requires another on its host. */
export type Seat<T> =
  | { readonly kind: 'join'; readonly host: Host<T>; readonly mate: WirePod }
  /** A new cell for the pod and those that wait to be with it. */
  | { readonly kind: 'found' }
  /** Its host is there, and full. */
  | { readonly kind: 'full'; readonly host: Host<T>; readonly mate: WirePod }
  | { readonly kind: 'wait'; readonly reason: string };

/**
 * Where a pod that requires another on its host goes, by the scheduler's rules with cells for hosts: to the cell of one
 * that it requires, if nobody there minds; or, when none that it requires has a cell and it is one of them itself, to a
 * new one.
 * @param hosts the cells of the pod's namespace
 * @param waiting the pods of its namespace that have no cell
 */
export function seatOf<T>(
  pod: WirePod,
  need: Resources,
  hosts: readonly Host<T>[],
  waiting: readonly WirePod[],
): Seat<T> {
  const homes = hosts.flatMap((host) => {
    const mate = host.pods.find((other) => isMateOf(pod, other));
    return mate === undefined ? [] : [{ host, mate, bar: barOf(host, pod) }];
  });
  const [peaceful] = homes
    .filter(({ bar }) => bar === undefined)
    .sort((a, b) => room(b.host, need) - room(a.host, need));
  if (peaceful !== undefined) {
    const { host, mate } = peaceful;
    return { kind: room(host, need) === 1 ? 'join' : 'full', host, mate };
  }
  const [home] = homes;
  if (home?.bar !== undefined) {
    return { kind: 'wait', reason: `it must be on one machine with ${podName(home.mate)}, ${home.bar}` };
  }
  if (isMateOf(pod, pod)) return { kind: 'found' };
  const mate = waiting.find((other) => isMateOf(pod, other));
  const reason =
    mate === undefined
      ? 'none of the pods that it must be on one machine with is on this node; cells are shared within a namespace only'
      : `${podName(mate)}, which it must be on one machine with, has no cell yet`;
  return { kind: 'wait', reason };
}

/** Why a pod may not be on a host that has its mate. */
function barOf({ obstacle, pods }: Host<unknown>, pod: WirePod): string | undefined {
  if (obstacle !== undefined) return `whose machine ${obstacle}`;
  const foe = foeAmong(pods, pod);
  return foe && `and may not be with ${podName(foe)}, which is there too`;
}

function room({ free }: Host<unknown>, need: Resources): 0 | 1 {
  return covers(free, need) ? 1 : 0;
}
