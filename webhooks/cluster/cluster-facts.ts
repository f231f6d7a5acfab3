import { daemonSetPolicyOf } from '../../src/core/daemonset-policy.ts';
import { DAEMONSET_POLICY_ANNOTATION } from '../../src/core/names.ts';
import type { CollectionReader } from '../../src/kube/collection.ts';
import { type NetworkPolicy, NetworkPolicyIndex } from '../../src/kube/network-policy-index.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import type { ClusterFacts } from '../routing/facts.ts';
import type { Target } from '../routing/target.ts';

/** What is known of the cluster, kept up by shared watches. */
export interface ClusterCollections {
  readonly nodes: CollectionReader<KubeObject>;
  readonly namespaces: CollectionReader<KubeObject>;
  readonly daemonSets: CollectionReader<KubeObject>;
  readonly networkPolicies: CollectionReader<NetworkPolicy>;
}

/** What routing asks that others answer. */
export type OtherFacts = Pick<
  ClusterFacts,
  'enforcesNetworkPolicy' | 'nodeCellEnforcesNetworkPolicy' | 'cellClassProblem'
>;

/** Facts from memory. `configured` is what the virtual node is to be, for as long as its Node is not there. */
export function clusterFacts(collections: ClusterCollections, configured: Target, others: OtherFacts): ClusterFacts {
  const { nodes, namespaces, daemonSets, networkPolicies } = collections;
  const policies = new NetworkPolicyIndex(networkPolicies);
  return {
    ...others,
    target() {
      const labels = nodes.get(undefined, configured.name)?.metadata.labels;
      return labels === undefined ? configured : { ...configured, labels: { ...configured.labels, ...labels } };
    },
    namespaceLabels: (namespace) => namespaces.get(undefined, namespace)?.metadata.labels ?? {},
    daemonSetPolicy(namespace, name) {
      const annotations = daemonSets.get(namespace, name)?.metadata.annotations;
      return daemonSetPolicyOf(name, annotations?.[DAEMONSET_POLICY_ANNOTATION]);
    },
    networkPolicy: (namespace, labels) => policies.selecting(namespace, labels),
  };
}
