/** The names that Nodeless puts on Kubernetes objects. They are API: changing one breaks running clusters. */
export const GROUP = 'nodeless.io';
export const VERSION = 'v1alpha1';
/** Path of the Cell objects at the API server. */
export const CELLS_PATH = `/apis/${GROUP}/${VERSION}/cells`;

/** Path of the WarmPools there. */
export const WARM_POOLS_PATH = `/apis/${GROUP}/${VERSION}/warmpools`;

/** Annotation on a pod: the id of the cell that runs it. Written only through pods/status as the node. */
export const CELL_ANNOTATION = 'nodeless.io/cell';
/** Label on a pod or namespace: `cell`, `node` or `ignore`. */
export const PLACEMENT_LABEL = 'nodeless.io/placement';
/** Annotation on a pod: where routing has sent it, and why. Written by the webhook, for people; users may write it too. */
export const DECISION_ANNOTATION = 'nodeless.io/decision';
/** Annotation on a pod: what its spec asked of the machine, which one Node can't answer (src/core/constraints.ts). */
export const CONSTRAINTS_ANNOTATION = 'nodeless.io/constraints';
/** Annotation on a pod: what routing has made of its spec, where that says less than the spec before (webhooks/routing/original.ts). */
export const ORIGINAL_ANNOTATION = 'nodeless.io/original';
/** Annotation on a DaemonSet: `absorb`, `node-cell` or `inject`. */
export const DAEMONSET_POLICY_ANNOTATION = 'nodeless.io/daemonset-policy';
/** Annotation on a DaemonSet of the policy `inject`: with `true`, pods are given to their cells when its agent is Ready there. */
export const AGENT_REQUIRED_ANNOTATION = 'nodeless.io/agent-required';
/** Label on a pod or namespace: the CellClass of its cells. */
export const CELL_CLASS_LABEL = 'nodeless.io/cell-class';
/** Pod condition: True from the moment the pod is handed over to its cell's kubelet, and durable proof of it. */
export const CELL_READY_CONDITION = 'nodeless.io/CellReady';
/** Pod condition: False while a NetworkPolicy selects a pod on a cell on which nothing enforces it. */
export const POLICY_ENFORCED_CONDITION = 'nodeless.io/NetworkPolicyEnforced';
/** Taint of the virtual node, and the label value that virtual-kubelet users select by. */
export const VIRTUAL_NODE_TAINT = 'virtual-kubelet.io/provider';
export const VIRTUAL_NODE_TYPE = 'virtual-kubelet';
/** Taint of the virtual node of a zone that has no capacity now: new pods are scheduled to other zones. */
export const EXHAUSTED_TAINT = { key: 'nodeless.io/exhausted', value: 'capacity', effect: 'NoSchedule' } as const;
/** Taint of a virtual node that is uninstalled: DaemonSets' pods go by it, but for those that tolerate everything. It heeds no budget. */
export const LEAVING_TAINT = { key: 'nodeless.io/leaving', value: 'uninstall', effect: 'NoExecute' } as const;
/** Condition type that Kubernetes puts on a pod that ends by disruption. */
export const DISRUPTION_TARGET = 'DisruptionTarget';
/** Annotation on a pod: what its cell was chosen as, and why; for people, and for `nodeless why`. */
export const CHOICE_ANNOTATION = 'nodeless.io/choice';
/** Annotation on a pod: how often it was given a place on a cell, and how its cell came; for `nodeless why`. */
export const START_ANNOTATION = 'nodeless.io/start';
/**
 * Label on virtual nodes and on objects that Nodeless made, with the configured name, which is that of the only virtual node
 * or what those of all zones have in common: routing selects by it.
 */
export const VIRTUAL_NODE_LABEL = 'nodeless.io/virtual-node';
/** Label on a namespace that `nodeless install` has made: `nodeless uninstall` deletes no other. */
export const MADE_LABEL = 'nodeless.io/made';
/** Label that pods select a way of buying machines by, such as `ec2-spot`; no Node has it, offerings do. */
export const LAUNCH_TYPE_LABEL = 'nodeless.io/launch-type';

/** Signer of what kubelets serve with, where a cluster has none of its own for that. */
export const KUBELET_SERVING_SIGNER = 'kubernetes.io/kubelet-serving';

/** A name that has to be a DNS label, of a virtual node's, which need not be one. */
function labelName(name: string): string {
  return name.replaceAll('.', '-').slice(0, 63).replace(/-+$/, '');
}

/** The provider's Deployment, and all that it alone has: configuration, disruption budget, network policy. */
export function workloadName(virtualNode: string): string {
  return labelName(`nodeless-${virtualNode}`);
}

/** The Service by which API servers call a virtual node's webhooks. */
export function webhookServiceName(virtualNode: string): string {
  return workloadName(virtualNode);
}

/** The lease by which replicas settle which of them leads a virtual node. */
export function leaseName(virtualNode: string): string {
  return `nodeless-${virtualNode}`;
}

/** The Secret with the certificates of a virtual node's webhooks. */
export function webhookSecretName(virtualNode: string): string {
  return `nodeless-webhook-${virtualNode}`;
}

/** The Secret with what cells' certificates are signed by; all virtual nodes of a namespace share it. */
export const AUTHORITY_SECRET = 'nodeless-authority';

/** The Service by which cells call whoever leads a virtual node, and its EndpointSlice. */
export function cellsServiceName(virtualNode: string): string {
  return labelName(`nodeless-cells-${virtualNode}`);
}

/** The Service by which a Prometheus finds all replicas. */
export function metricsServiceName(virtualNode: string): string {
  return labelName(`nodeless-metrics-${virtualNode}`);
}

/** Name of the virtual node of a zone, where each zone has one. */
export function zoneNodeName(virtualNode: string, zone: string): string {
  return `${virtualNode}-${zone}`;
}

/** The zones of virtual nodes that are named by `zoneNodeName`; other names are left out. */
export function zonesOf(virtualNode: string, nodes: readonly string[]): readonly string[] {
  const prefix = zoneNodeName(virtualNode, '');
  return nodes.filter((node) => node.startsWith(prefix)).map((node) => node.slice(prefix.length));
}

/** The user that a virtual node is to the cluster's API server. */
export function nodeUser(virtualNode: string): string {
  return `system:node:${virtualNode}`;
}

/** The groups of a node's user; the API server adds `system:authenticated` to whoever is impersonated. */
export const NODE_GROUPS = ['system:nodes'] as const;

/** The user name of the provider's client certificate toward its cells' kubelets. */
export const PROVIDER_USER = 'nodeless:provider';

/** URI SAN of a cell's certificate: `nodeless://cell/<cell id>`. */
export function cellUri(cellId: string): string {
  return `nodeless://cell/${cellId}`;
}

/** The cell id in a certificate's URI SAN, or undefined when it is not one of ours. */
export function cellIdOfUri(uri: string): string | undefined {
  return /^nodeless:\/\/cell\/([a-z0-9][a-z0-9-]{0,62})$/.exec(uri)?.[1];
}
