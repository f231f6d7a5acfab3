import type { DaemonSetPolicy } from '../../src/core/daemonset-policy.ts';
import type { Target } from './target.ts';

type Labels = Readonly<Record<string, string>>;

/** How routing is configured. */
export interface RoutingRules {
  /** Namespaces whose pods are left alone: the system's, and our own. */
  readonly excludedNamespaces: readonly string[];
  /** What becomes of pods that stay: regular nodes have them, or the node cell. */
  readonly statefulPlacement: 'leave' | 'node-cell';
  /** CSI drivers whose node plugins cells have. */
  readonly csiDrivers: readonly string[];
  /** Schedulers that may bind a pod to the virtual node. */
  readonly schedulers: readonly string[];
}

/** What routing asks about the cluster; answered from memory. */
export interface ClusterFacts {
  target(): Target;
  namespaceLabels(namespace: string): Labels;
  daemonSetPolicy(namespace: string, name: string): DaemonSetPolicy;
  /** Says that a DaemonSet asks for a policy that there is not; undefined where it does not. */
  daemonSetPolicyWarning(namespace: string, name: string): string | undefined;
  /** Name of a NetworkPolicy that selects pods of these labels, or undefined. */
  networkPolicy(namespace: string, podLabels: Labels): string | undefined;
  /** Whether the cells of pods with these labels enforce NetworkPolicies, as their CellClass says. */
  enforcesNetworkPolicy(namespace: string, podLabels: Labels): boolean;
  /** Whether the node cell does, whatever class a pod picks. */
  nodeCellEnforcesNetworkPolicy(): boolean;
  /** Why pods with these labels can have no CellClass, and what mends it; undefined when they can. */
  cellClassProblem(namespace: string, podLabels: Labels): string | undefined;
}
