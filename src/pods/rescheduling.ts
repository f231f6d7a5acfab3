import type { V1PodCondition } from '@kubernetes/client-node';
import { CELL_ANNOTATION, CELL_READY_CONDITION } from '../core/names.ts';
import { type SelectableNode, selectsNode } from '../core/node-selection.ts';
import type { WirePod } from '../kube/wire-pod.ts';

/** What an exhausted zone does for its pods. */
export interface ReschedulingRules {
  readonly nowMs: number;
  /** How long a pod has to have been on the node. */
  readonly afterMs: number;
  /** The virtual nodes of other zones that take pods now. */
  readonly elsewhere: readonly SelectableNode[];
}

/** What becomes of a pod that waits in an exhausted zone. */
export type Rescheduling =
  /** It is deleted, so that its controller makes another, which the scheduler sends elsewhere. */
  | { readonly kind: 'reschedule' }
  /** It waits here for as long as the zone is exhausted, and why. */
  | { readonly kind: 'stays'; readonly why: string };

function conditionOf({ status }: WirePod, wanted: string): V1PodCondition | undefined {
  return status?.conditions?.find(({ type }) => type === wanted);
}

/** Whether a pod waits because everything that fits it is unavailable: it has no cell, and has never had one that ran it. */
export function isRefused(pod: WirePod): boolean {
  const { metadata, status } = pod;
  const isLive = metadata.deletionTimestamp === undefined && (status?.phase ?? 'Pending') === 'Pending';
  const hasBegun = status?.startTime !== undefined || (status?.containerStatuses ?? []).length > 0;
  const ready = conditionOf(pod, CELL_READY_CONDITION);
  const isTold = ready?.status === 'False' && ready.reason === 'InsufficientCapacity';
  return isLive && !hasBegun && isTold && metadata.annotations?.[CELL_ANNOTATION] === undefined;
}

interface Owner {
  readonly kind: string;
  readonly controller?: boolean;
}

function whyItStays(pod: WirePod, elsewhere: readonly SelectableNode[]): string | undefined {
  const owners = (pod.metadata.ownerReferences ?? []) as readonly Owner[];
  const owner = owners.find(({ controller }) => controller === true);
  if (owner === undefined)
    return 'no controller would make another pod of it; create it again to have it scheduled elsewhere';
  if (owner.kind === 'DaemonSet') return 'its DaemonSet has one pod for each node';
  if (conditionOf(pod, 'PodScheduled')?.status !== 'True')
    return 'it was bound by spec.nodeName, and another would be bound the same way';
  if (elsewhere.length === 0) return 'no other zone takes pods now';
  if (!elsewhere.some((node) => selectsNode(pod.spec, node)))
    return 'it selects the node of no other zone that takes pods now';
  return undefined;
}

/** What becomes of a pod in an exhausted zone; undefined for one that does not wait for capacity, or not long enough. */
export function reschedulingOf(
  pod: WirePod,
  { nowMs, afterMs, elsewhere }: ReschedulingRules,
): Rescheduling | undefined {
  if (!isRefused(pod)) return undefined;
  const boundAt = conditionOf(pod, 'PodScheduled')?.lastTransitionTime ?? pod.metadata.creationTimestamp;
  const waitedMs = nowMs - Date.parse(String(boundAt ?? ''));
  if (!(waitedMs >= afterMs)) return undefined;
  const why = whyItStays(pod, elsewhere);
  return why === undefined ? { kind: 'reschedule' } : { kind: 'stays', why };
}
