import type { V1PodCondition } from '@kubernetes/client-node';
import { CELL_ANNOTATION, CELL_READY_CONDITION, EXHAUSTED_TAINT } from '../core/names.ts';
import { type SelectableNode, selectsNode } from '../core/node-selection.ts';
import { tolerates } from '../core/tolerates.ts';
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
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** Controllers that make another pod of one that is deleted and hold it against nobody, by group and kind. */
const REPLACING: ReadonlySet<string> = new Set(['apps/ReplicaSet', 'apps/StatefulSet', '/ReplicationController']);

function groupOf({ apiVersion }: Owner): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}

function controllerOf({ metadata }: WirePod): Owner | undefined {
  return ((metadata.ownerReferences ?? []) as readonly Owner[]).find(({ controller }) => controller === true);
}

/** What makes another pod in the place of one that is deleted, and holds that against nobody. */
export function replacerOf(pod: WirePod): Pick<Owner, 'name' | 'uid'> | undefined {
  const owner = controllerOf(pod);
  return owner !== undefined && REPLACING.has(`${groupOf(owner)}/${owner.kind}`) ? owner : undefined;
}

/** Why a pod's controller is not to be made to make another; undefined where it would do just that. */
function whyItsControllerKeepsIt(owner: Owner): string | undefined {
  const { apiVersion, kind } = owner;
  const group = groupOf(owner);
  if (REPLACING.has(`${group}/${kind}`)) return undefined;
  if (group === 'apps' && kind === 'DaemonSet') return 'its DaemonSet has one pod for each node';
  // To its backoffLimit: an outage of a zone would make the Job fail.
  if (group === 'batch' && kind === 'Job') return 'its Job would count it as failed';
  return `its ${kind} of ${apiVersion} is not known to make another without counting it as failed`;
}

function whyItStays(pod: WirePod, elsewhere: readonly SelectableNode[]): string | undefined {
  const owner = controllerOf(pod);
  if (owner === undefined)
    return 'no controller would make another pod of it; create it again to have it scheduled elsewhere';
  const kept = whyItsControllerKeepsIt(owner);
  if (kept !== undefined) return kept;
  if (conditionOf(pod, 'PodScheduled')?.status !== 'True')
    return 'it was bound by spec.nodeName, and another would be bound the same way';
  // The scheduler may bring another to this zone again, and again.
  if ((pod.spec.tolerations ?? []).some((one) => tolerates(one, EXHAUSTED_TAINT)))
    return 'it tolerates the mark of an exhausted zone, so another might be bound here again';
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
