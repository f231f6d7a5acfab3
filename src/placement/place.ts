import { daemonSetPolicyOf } from '../core/daemonset-policy.ts';
import { decisionOf } from '../core/decision.ts';
import { DAEMONSET_POLICY_ANNOTATION, DECISION_ANNOTATION } from '../core/names.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { WirePod } from '../kube/wire-pod.ts';

/** Where a pod of the virtual node runs: on a cell, on the node cell, or nowhere, though it is reported Ready. */
export type Place = 'cell' | 'node-cell' | 'absorbed';

/** A DaemonSet by namespace and name, as far as it is known. */
export type DaemonSetReader = (namespace: string, name: string) => KubeObject | undefined;

interface Owner {
  readonly kind: string;
  readonly name: string;
  readonly uid?: string;
}

/** The DaemonSet that a pod is of. */
export function daemonSetOwnerOf(pod: WirePod): Owner | undefined {
  const owners = pod.metadata.ownerReferences as readonly Owner[] | undefined;
  return owners?.find(({ kind }) => kind === 'DaemonSet');
}

/** Whether a pod asks for the node cell; the annotation may be any user's: it moves this pod and no other. */
function asksForNodeCell(pod: WirePod): boolean {
  return decisionOf(pod.metadata.annotations?.[DECISION_ANNOTATION]) === 'node-cell';
}

/** Whether a pod may be on the node cell, whatever is known of its DaemonSet. */
export function mayNeedNodeCell(pod: WirePod): boolean {
  return daemonSetOwnerOf(pod) !== undefined || asksForNodeCell(pod);
}

/**
 * Where a pod runs.
 * @returns undefined while the pod's DaemonSet is not known here: it has not come yet, or is gone, and its pods go too
 */
export function placeOf(pod: WirePod, daemonSet: DaemonSetReader): Place | undefined {
  const owner = daemonSetOwnerOf(pod);
  if (owner === undefined) return asksForNodeCell(pod) ? 'node-cell' : 'cell';
  const { metadata } = daemonSet(pod.metadata.namespace ?? 'default', owner.name) ?? {};
  if (metadata === undefined || metadata.uid !== owner.uid) return undefined;
  const policy = daemonSetPolicyOf(owner.name, metadata.annotations?.[DAEMONSET_POLICY_ANNOTATION]);
  return policy === 'node-cell' ? 'node-cell' : 'absorbed';
}
