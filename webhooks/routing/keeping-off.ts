import { VIRTUAL_NODE_LABEL, VIRTUAL_NODE_TYPE } from '../../src/core/names.ts';
import { tolerates } from '../../src/core/tolerates.ts';
import { type AdmittedPod, daemonSetOf, type Routed } from './admitted-pod.ts';
import { requiresNode } from './node-name.ts';
import { nodeNames, type Target } from './target.ts';

/** What says whether a pod that is not to go to the virtual node has to be kept off it. */
export interface Leaving {
  readonly pod: AdmittedPod;
  readonly routed: Routed;
  readonly target: Target;
  /** It must not run on a cell, even where its user has chosen the virtual node. */
  readonly isForbidden: boolean;
}

function barriers({ taints }: Target) {
  return taints.filter(({ effect }) => effect !== 'PreferNoSchedule');
}

function selects({ nodeSelector, affinity }: Routed, target: Target): boolean {
  const { type, [VIRTUAL_NODE_LABEL]: node } = nodeSelector;
  return type === VIRTUAL_NODE_TYPE || node === target.name || requiresNode(affinity, nodeNames(target));
}

/**
 * Whether the scheduler has to be told that a pod is not for the virtual nodes: nothing else keeps one off that tolerates its
 * taints, and an empty node of that size is the best there is. A node without taints is open to all by its
 * administrator's will, and so is one that a user has selected, unless the pod is forbidden there. Pods that are bound
 * already, by name or by the daemon controller, would only wait for ever, or be launched again and again.
 */
export function isToBeKeptOff({ pod, routed, target, isForbidden }: Leaving): boolean {
  const isBound = daemonSetOf(pod) !== undefined || (pod.spec.nodeName ?? '') !== '';
  const taints = barriers(target);
  if (isBound || !taints.every((taint) => routed.tolerations.some((one) => tolerates(one, taint)))) return false;
  return isForbidden || (taints.length > 0 && !selects(routed, target));
}
