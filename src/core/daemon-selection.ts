import type { V1PodSpec } from '@kubernetes/client-node';
import { EXHAUSTED_TAINT } from './names.ts';
import { type SelectableNode, selectsNode } from './node-selection.ts';
import { type NodeTaint, tolerates } from './tolerates.ts';

/** A node, as far as DaemonSets select it. */
export interface DaemonNode extends SelectableNode {
  readonly taints: readonly NodeTaint[];
}

/** What the daemon controller has its pods tolerate, whatever their template says. */
const TOLERATED_BY_DAEMONS = 'node.kubernetes.io/';

/** Taints that come and go, and of which the daemon controller ends no pod that is there. */
function isPassing({ key, effect }: NodeTaint): boolean {
  return effect === 'PreferNoSchedule' || key === EXHAUSTED_TAINT.key || key.startsWith(TOLERATED_BY_DAEMONS);
}

/**
 * Whether a DaemonSet whose pods have this spec wants one on the node: by its selector, its required node affinity and the
 * node's taints. Source: k8s.io/kubernetes/pkg/controller/daemon `NodeShouldRunDaemonPod`.
 */
export function wantsPodOn(spec: V1PodSpec, node: DaemonNode): boolean {
  const { nodeName = '', tolerations = [] } = spec;
  if (nodeName !== '' && nodeName !== node.name) return false;
  if (!selectsNode(spec, node)) return false;
  const taints = node.taints.filter((taint) => !isPassing(taint));
  return taints.every((taint) => tolerations.some((one) => tolerates(one, taint)));
}
