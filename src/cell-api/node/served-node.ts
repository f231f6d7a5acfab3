import { isIP } from 'node:net';
import { type Resources, resourceListOf } from '../../core/resources.ts';
import type { KubeObject } from '../../kube/objects.ts';
import { isObject, type JsonObject } from '../http/body.ts';
import type { KnownCell } from '../ports.ts';
import type { NodeOverlay } from '../session.ts';

/** What of the virtual node's object shows in the served ones. */
export interface NodeBase {
  readonly object: KubeObject;
  /** Changes exactly when the served Nodes change with it. */
  readonly fingerprint: string;
}

/** A kubelet's default `maxPods`, shown until the kubelet reports its own. */
const PODS_UNTIL_REPORTED = '110';

/** Reduces the virtual node to what is served of it: its status is its own, save for attached volumes. */
export function baseOf(upstream: KubeObject): NodeBase {
  const { managedFields: _, resourceVersion, ...metadata } = upstream.metadata;
  const status = isObject(upstream.status) ? upstream.status : {};
  const { volumesAttached } = status;
  const shown = { metadata, spec: upstream.spec ?? {}, ...(volumesAttached === undefined ? {} : { volumesAttached }) };
  const object = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { ...metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
    spec: shown.spec,
    status: volumesAttached === undefined ? {} : { volumesAttached },
  } as KubeObject;
  return { object, fingerprint: JSON.stringify(shown) };
}

/** Addresses of a cell as its Node shows them. */
function addressesOf(cell: KnownCell, nodeName: string): { type: string; address: string }[] {
  return [
    ...cell.addresses.map((address) => ({ type: isIP(address) === 0 ? 'InternalDNS' : 'InternalIP', address })),
    { type: 'Hostname', address: nodeName },
  ];
}

function cellLabels(cell: KnownCell): Record<string, string> {
  const labels = {
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': cell.arch,
    'node.kubernetes.io/instance-type': cell.instanceType,
    'topology.kubernetes.io/zone': cell.zone,
  };
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
}

function initialStatus(cell: KnownCell, nodeName: string): JsonObject {
  return {
    capacity: resourceList(cell.allocatable),
    allocatable: resourceList(cell.allocatable),
    addresses: addressesOf(cell, nodeName),
    daemonEndpoints: { kubeletEndpoint: { Port: 0 } },
    nodeInfo: { architecture: cell.arch, operatingSystem: 'linux' },
  };
}

function resourceList(resources: Resources): Record<string, string> {
  return { ...resourceListOf(resources), pods: PODS_UNTIL_REPORTED };
}

function overlaid(values: unknown, overlay: Readonly<Record<string, string | null>>): Record<string, string> {
  const result: Record<string, string> = { ...(isObject(values) ? (values as Record<string, string>) : {}) };
  for (const [key, value] of Object.entries(overlay)) {
    if (value === null) delete result[key];
    else result[key] = value;
  }
  return result;
}

/** A kubelet that has not settled on an address must not take the cell's away: pods get their hostIP from it. */
function withAddresses(status: JsonObject, cell: KnownCell, nodeName: string): JsonObject {
  const addresses = Array.isArray(status.addresses) ? status.addresses : [];
  const settled = addresses.some((item) => isObject(item) && item.type === 'InternalIP');
  return settled ? status : { ...status, addresses: addressesOf(cell, nodeName) };
}

/**
 * The Node that a cell's kubelet sees: the virtual node's name, uid, labels and taints; the cell's own labels and
 * addresses; and the status as its kubelet has reported it.
 */
export function servedNode(base: NodeBase, cell: KnownCell, overlay: NodeOverlay): KubeObject {
  const { object } = base;
  const { metadata } = object;
  const reported = withAddresses(overlay.status ?? initialStatus(cell, metadata.name), cell, metadata.name);
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      ...metadata,
      labels: overlaid({ ...metadata.labels, ...cellLabels(cell) }, overlay.labels),
      annotations: overlaid(metadata.annotations, overlay.annotations),
    },
    spec: object.spec,
    status: { ...reported, ...(object.status as JsonObject) },
  };
}
