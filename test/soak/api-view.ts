import { CELL_ANNOTATION, CELL_READY_CONDITION, GROUP, VERSION, WARM_POOLS_PATH } from '../../src/core/names.ts';
import { call } from '../../src/kube/calls.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import type { WirePod } from '../../src/kube/wire-pod.ts';
import { nodeReadiness } from '../support/node-readiness.ts';
import type { ApiSeen, ContainerSeen, PodSeen } from './observation.ts';

export const VIRTUAL_NODE = 'nodeless';
/** Every object of the soak is in here. */
export const NAMESPACE = 'default';
const TIMEOUT_MS = 2_000;

function containersOf({ status }: WirePod): readonly ContainerSeen[] {
  return (status?.containerStatuses ?? []).map(({ name, containerID = '', restartCount }) => ({
    name,
    id: containerID,
    restarts: restartCount,
  }));
}

/** What a pod's object tells of it. */
export function podSeen(pod: WirePod): PodSeen {
  const { metadata, status } = pod;
  const cellId = metadata.annotations?.[CELL_ANNOTATION];
  const holds = (type: string) =>
    status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
  const owners = (metadata.ownerReferences ?? []) as readonly { kind: string }[];
  return {
    uid: metadata.uid ?? '',
    name: metadata.name,
    ...(cellId === undefined ? {} : { cellId }),
    phase: status?.phase ?? 'Pending',
    ...(status?.reason === undefined ? {} : { reason: status.reason }),
    ready: holds('Ready'),
    handedOver: holds(CELL_READY_CONDITION),
    deleting: metadata.deletionTimestamp !== undefined,
    ofJob: owners.some(({ kind }) => kind === 'Job'),
    containers: containersOf(pod),
  };
}

/** What the API server says of the virtual node. Rejects when it does not answer in time. */
export async function readApi(client: KubeClient): Promise<ApiSeen> {
  const list = <T>(path: string, query = {}) =>
    call<{ items: T[] }>(client, { method: 'GET', path, query, timeoutMs: TIMEOUT_MS });
  const [pods, nodeReady, cells, pools] = await Promise.all([
    list<WirePod>(`/api/v1/namespaces/${NAMESPACE}/pods`, { fieldSelector: `spec.nodeName=${VIRTUAL_NODE}` }),
    nodeReadiness(client, VIRTUAL_NODE),
    list<KubeObject>(`/apis/${GROUP}/${VERSION}/cells`),
    list<KubeObject & { readonly spec: { readonly min: number } }>(WARM_POOLS_PATH),
  ]);
  return {
    pods: pods.items.map(podSeen),
    nodeReady,
    cells: cells.items.map(({ metadata }) => metadata.name),
    warmCells: pools.items.reduce((sum, { spec }) => sum + spec.min, 0),
  };
}
