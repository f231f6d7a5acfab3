import type { CellClass } from '../core/cell-class.ts';
import { NodelessError } from '../core/errors.ts';
import type { NetworkPolicyIndex } from '../kube/network-policy-index.ts';
import type { WirePod } from '../kube/wire-pod.ts';

/** What is known of NetworkPolicies. */
export type Policies = Pick<NetworkPolicyIndex, 'synced' | 'selecting'>;

/**
 * Refuses a pod that a NetworkPolicy selects where nothing enforces it on cells of the class. Routing leaves such pods to regular nodes;
 * but a pod may come past it, by its nodeName or by tolerating everything, and its labels may change on the way.
 * @throws NodelessError NotEnforced
 */
export function checkSheltered(pod: WirePod, { name, spec }: CellClass, policies: Policies): void {
  if (!policies.synced) {
    const message =
      'the NetworkPolicies can not be read; is the RBAC of this version installed? `nodeless install` does it';
    throw new NodelessError({ code: 'NotEnforced', retryable: true, message });
  }
  const { namespace = 'default', labels = {} } = pod.metadata;
  const policy = policies.selecting(namespace, labels);
  if (policy === undefined || spec.networkPolicyEnforcer !== undefined) return;
  const message = `NetworkPolicy ${policy} selects the pod, and CellClass ${name} names no networkPolicyEnforcer, so nothing would enforce it on a cell; pick a class that does, or run the pod on a regular node`;
  throw new NodelessError({ code: 'NotEnforced', message, identity: { networkPolicy: policy, cellClass: name } });
}
