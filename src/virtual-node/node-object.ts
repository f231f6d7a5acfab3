import { kubeTime } from '../core/clock.ts';
import { ZONE_LABEL } from '../core/constraints.ts';
import { VIRTUAL_NODE_LABEL, VIRTUAL_NODE_TAINT, VIRTUAL_NODE_TYPE } from '../core/names.ts';
import type { KubeObject } from '../kube/objects.ts';
import { ownTaints, type Taint } from './taints.ts';

export interface VirtualNodeSpec {
  readonly name: string;
  /** Value of its label `nodeless.io/virtual-node`, by which routing selects. */
  readonly group: string;
  /** The zone that it stands for, where there is a virtual node for each. */
  readonly zone?: string;
  readonly providerId: string;
  /** What the node advertises: Kubernetes quantities by resource name. */
  readonly capacity: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** Address of the kubelet endpoint, as the API server reaches it. */
  readonly address: string;
  readonly kubeletPort: number;
  readonly kubeletVersion: string;
  /** `kubernetes.io/arch` value, such as amd64. */
  readonly arch: string;
}

/** The taint that keeps pods off that did not ask for a cell. */
export function defaultTaint(provider: string): { key: string; value: string; effect: string } {
  return { key: VIRTUAL_NODE_TAINT, value: provider, effect: 'NoSchedule' };
}

/** Labels that every virtual node has; a node may set them itself. */
function defaultLabels(spec: VirtualNodeSpec): Record<string, string> {
  return {
    type: VIRTUAL_NODE_TYPE,
    [VIRTUAL_NODE_LABEL]: spec.group,
    ...(spec.zone === undefined ? {} : { [ZONE_LABEL]: spec.zone }),
    'kubernetes.io/hostname': spec.name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': spec.arch,
    'node.kubernetes.io/exclude-from-external-load-balancers': 'true',
  };
}

/** Labels of the virtual node; the user's win over the defaults. */
export function nodeLabels(spec: VirtualNodeSpec): Record<string, string> {
  return { ...defaultLabels(spec), ...spec.labels };
}

const CONDITIONS = [
  ['Ready', 'True', 'NodelessReady', 'the provider leads and serves this node'],
  ['MemoryPressure', 'False', 'EachPodHasItsOwnCell', 'memory is per cell'],
  ['DiskPressure', 'False', 'EachPodHasItsOwnCell', 'disk is per cell'],
  ['PIDPressure', 'False', 'EachPodHasItsOwnCell', 'processes are per cell'],
  ['NetworkUnavailable', 'False', 'EachPodHasItsOwnCell', 'network is per cell'],
] as const;

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime?: string;
}

/** When a condition took the status that it has now; the object tells, unless the status is new. */
function transitionTime(node: KubeObject | undefined, type: string, status: string, now: string): string {
  const { conditions } = (node?.status ?? {}) as { readonly conditions?: readonly Condition[] };
  const before = conditions?.find((condition) => condition.type === type);
  return before?.status === status ? (before.lastTransitionTime ?? now) : now;
}

/** Status that Nodeless owns; merged into the object's, so foreign capacity keys and conditions stay. */
export function nodeStatus(spec: VirtualNodeSpec, nowMs: number, node?: KubeObject): Record<string, unknown> {
  const now = kubeTime(nowMs);
  return {
    capacity: { ...spec.capacity },
    allocatable: { ...spec.capacity },
    conditions: CONDITIONS.map(([type, status, reason, message]) => ({
      type,
      status,
      reason,
      message,
      lastHeartbeatTime: now,
      lastTransitionTime: transitionTime(node, type, status, now),
    })),
    addresses: [
      { type: 'InternalIP', address: spec.address },
      { type: 'Hostname', address: spec.name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: spec.kubeletPort } },
    nodeInfo: {
      architecture: spec.arch,
      operatingSystem: 'linux',
      kubeletVersion: spec.kubeletVersion,
      kubeProxyVersion: '',
      containerRuntimeVersion: 'nodeless://cells',
      kernelVersion: 'per cell',
      osImage: 'Nodeless virtual node',
      machineID: spec.name,
      systemUUID: spec.name,
      bootID: spec.name,
    },
  };
}

/** The Node to create as the node, so without the user's labels: NodeRestriction refuses some of them to a node. */
export function nodeObject(spec: VirtualNodeSpec): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: spec.name, labels: defaultLabels(spec) },
    spec: { providerID: spec.providerId, taints: [...spec.taints] },
  };
}

/**
 * Merge patch that sets what Nodeless owns of a Node's labels and taints and keeps the rest; undefined when all of it
 * stands. Refused with 409 when the Node has changed since: taints are one list, and another's must not be lost.
 */
export function ownershipPatch(spec: VirtualNodeSpec, node: KubeObject): object | undefined {
  const labels = nodeLabels(spec);
  const current = (node.spec as { readonly taints?: readonly Taint[] } | undefined)?.taints ?? [];
  const taints = ownTaints(current, spec.taints);
  const labelled = Object.entries(labels).every(([name, value]) => node.metadata.labels?.[name] === value);
  if (labelled && taints === current) return undefined;
  return { metadata: { resourceVersion: node.metadata.resourceVersion, labels }, spec: { taints } };
}
