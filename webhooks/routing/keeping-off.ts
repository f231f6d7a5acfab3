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

/** Whether a pod selects the virtual nodes itself, by a label or their names. */
export function selectsVirtualNode({ nodeSelector, affinity }: Routed, target: Target): boolean {
  const { type, [VIRTUAL_NODE_LABEL]: node } = nodeSelector;
  return type === VIRTUAL_NODE_TYPE || node === target.name || requiresNode(affinity, nodeNames(target));
}

/** Whether no taint of the virtual nodes keeps a pod from being scheduled there. */
export function toleratesVirtualNode({ tolerations }: Routed, target: Target): boolean {
  return barriers(target).every((taint) => tolerations.some((one) => tolerates(one, taint)));
}

/**
 * Whether the scheduler has to be told that a pod is not for the virtual nodes: nothing else keeps one off that tolerates its
 * taints, and an empty node of that size is the best there is. A node without taints is open to all by its
 * administrator's will, and so is one that a user has selected, unless the pod is forbidden there. Pods that are bound
 * already, by name or by the daemon controller, would only wait for ever, or be launched again and again.
 */
export function isToBeKeptOff({ pod, routed, target, isForbidden }: Leaving): boolean {
  const isBound = daemonSetOf(pod) !== undefined || (pod.spec.nodeName ?? '') !== '';
  if (isBound || !toleratesVirtualNode(routed, target)) return false;
  return isForbidden || (barriers(target).length > 0 && !selectsVirtualNode(routed, target));
}
