import { isRecordedAgent } from '../core/agent-record.ts';
import { daemonSetPolicyOf } from '../core/daemonset-policy.ts';
import { decisionOf } from '../core/decision.ts';
import { DAEMONSET_POLICY_ANNOTATION, DECISION_ANNOTATION } from '../core/names.ts';
import { tiesOf } from '../core/node-ties.ts';
import { placementOf } from '../core/placement-label.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { WirePod } from '../kube/wire-pod.ts';

/**
 * Where a pod of the virtual node runs: on a cell, on the node cell, on every cell, or nowhere: its DaemonSet is absorbed,
 * and its pod reported Ready, or asks for a place on every cell, which DaemonSets of its namespace may not have.
 */
export type Place = 'cell' | 'node-cell' | 'every-cell' | 'absorbed' | 'not-injected';

/** An object by namespace and name, as far as it is known. */
type Reader = (namespace: string, name: string) => KubeObject | undefined;

/** What a pod's place is told by, beside the pod. */
export interface PlaceRules {
  readonly daemonSet: Reader;
  /** Namespaces whose DaemonSets may have their pods on every cell. */
  readonly agentNamespaces: readonly string[];
  /** Given where the node cell takes pods that are tied to a node. */
  readonly nodeCell?: {
    readonly namespace: (name: string) => KubeObject | undefined;
    /** CSI drivers whose inline volumes do not tie a pod to a node. */
    readonly csiDrivers: readonly string[];
  };
}

interface Owner {
  readonly apiVersion?: string;
  readonly kind: string;
  readonly name: string;
  readonly uid?: string;
  readonly controller?: boolean;
}

/** The DaemonSet that a pod is of: Kubernetes' own, for of other kinds of that name nobody knows a policy. */
export function daemonSetOwnerOf(pod: WirePod): Owner | undefined {
  const owners = pod.metadata.ownerReferences as readonly Owner[] | undefined;
  return owners?.find(
    ({ apiVersion, kind, controller }) =>
      kind === 'DaemonSet' && apiVersion?.startsWith('apps/') === true && controller === true,
  );
}

/** Whether a pod says that it is for the node cell; any user may write that. */
function asksForNodeCell(pod: WirePod): boolean {
  return decisionOf(pod.metadata.annotations?.[DECISION_ANNOTATION]) === 'node-cell';
}

/** Whether a pod may be on the node cell, whatever is known of its DaemonSet. */
export function mayNeedNodeCell(pod: WirePod): boolean {
  return daemonSetOwnerOf(pod) !== undefined || asksForNodeCell(pod);
}

/** The place of a pod that says that it is for the node cell: that has it by the configuration and by what the pod is. */
function placeOfAsking({ metadata, spec }: WirePod, { nodeCell }: PlaceRules): Place | undefined {
  if (nodeCell === undefined) return 'cell';
  if (tiesOf(spec, nodeCell.csiDrivers).length > 0) return 'node-cell';
  const namespace = nodeCell.namespace(metadata.namespace ?? 'default');
  if (namespace === undefined) return undefined;
  return placementOf(metadata.labels ?? {}, namespace.metadata.labels ?? {}) === 'node' ? 'node-cell' : 'cell';
}

/** Whether a DaemonSet of a namespace may be, and by its annotation or a preset wants to be, on every cell. */
export function isInjected(daemonSet: KubeObject, agentNamespaces: readonly string[]): boolean {
  const { namespace = 'default', name, annotations } = daemonSet.metadata;
  const policy = daemonSetPolicyOf(namespace, name, annotations?.[DAEMONSET_POLICY_ANNOTATION]);
  return policy === 'inject' && agentNamespaces.includes(namespace);
}

/**
 * Where a pod runs. What was shown to cells as an agent stays one, whatever becomes of its DaemonSet's policy, as long as
 * its namespace may have any.
 * @returns undefined while the pod's DaemonSet or namespace is not known here: it has not come yet, or is gone, and its
 * pods go too
 */
export function placeOf(pod: WirePod, rules: PlaceRules): Place | undefined {
  const owner = daemonSetOwnerOf(pod);
  if (owner === undefined) return asksForNodeCell(pod) ? placeOfAsking(pod, rules) : 'cell';
  const { namespace = 'default' } = pod.metadata;
  const mayBeAgent = rules.agentNamespaces.includes(namespace);
  if (isRecordedAgent(pod)) return mayBeAgent ? 'every-cell' : 'not-injected';
  const { metadata } = rules.daemonSet(namespace, owner.name) ?? {};
  if (metadata === undefined || metadata.uid !== owner.uid) return undefined;
  const policy = daemonSetPolicyOf(namespace, owner.name, metadata.annotations?.[DAEMONSET_POLICY_ANNOTATION]);
  if (policy === 'inject') return mayBeAgent ? 'every-cell' : 'not-injected';
  return policy === 'node-cell' ? 'node-cell' : 'absorbed';
}
