import { daemonSetPolicyOf, daemonSetPolicyWarning } from '../../src/core/daemonset-policy.ts';
import { DAEMONSET_POLICY_ANNOTATION } from '../../src/core/names.ts';
import type { CollectionReader } from '../../src/kube/collection.ts';
import { type NetworkPolicy, NetworkPolicyIndex } from '../../src/kube/network-policy-index.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import type { ClusterFacts } from '../routing/facts.ts';
import type { Target, TargetNode } from '../routing/target.ts';

/** What is known of the cluster, kept up by shared watches. */
export interface ClusterCollections {
  readonly nodes: Pick<CollectionReader<KubeObject>, 'get'>;
  readonly namespaces: CollectionReader<KubeObject>;
  readonly daemonSets: CollectionReader<KubeObject>;
  readonly networkPolicies: CollectionReader<NetworkPolicy>;
}

/** What routing asks that others answer. */
export type OtherFacts = Pick<
  ClusterFacts,
  'enforcesNetworkPolicy' | 'nodeCellEnforcesNetworkPolicy' | 'cellClassProblem'
>;

/** Facts from memory. `configured` is what the virtual nodes are to be, for as long as their Nodes are not there. */
export function clusterFacts(collections: ClusterCollections, configured: Target, others: OtherFacts): ClusterFacts {
  const { nodes, namespaces, daemonSets, networkPolicies } = collections;
  const policies = new NetworkPolicyIndex(networkPolicies);
  const policyAnnotation = (namespace: string, name: string) =>
    daemonSets.get(namespace, name)?.metadata.annotations?.[DAEMONSET_POLICY_ANNOTATION];
  return {
    ...others,
    target() {
      const labelsOf = ({ name }: TargetNode) => nodes.get(undefined, name)?.metadata.labels;
      const now = (node: TargetNode) => ({ ...node, labels: { ...node.labels, ...labelsOf(node) } });
      return { ...configured, nodes: configured.nodes.map(now) };
    },
    namespaceLabels: (namespace) => namespaces.get(undefined, namespace)?.metadata.labels ?? {},
    daemonSetPolicy: (namespace, name) => daemonSetPolicyOf(namespace, name, policyAnnotation(namespace, name)),
    daemonSetPolicyWarning: (namespace, name) => daemonSetPolicyWarning(policyAnnotation(namespace, name)),
    networkPolicy: (namespace, labels) => policies.selecting(namespace, labels),
  };
}
