import type { CellTags } from '../core/cell.ts';
import { CELL_ANNOTATION } from '../core/names.ts';
import { call } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import type { WirePod } from '../kube/wire-pod.ts';

/**
 * Whether a pod of the virtual node still names this cell, by a consistent read. A list by name, since the Node
 * authorizer lets a node get only pods that exist and are its own.
 */
export async function podNamesCell(nodeClient: KubeClient, tags: CellTags, signal: AbortSignal): Promise<boolean> {
  const [namespace = '', name = ''] = tags.pod.split('/');
  const fieldSelector = `spec.nodeName=${tags.virtualNode},metadata.name=${name}`;
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const list = await call<{ items: WirePod[] }>(nodeClient, { method: 'GET', path, query: { fieldSelector }, signal });
  return list.items.some(
    ({ metadata }) => metadata.uid === tags.podUid && metadata.annotations?.[CELL_ANNOTATION] === tags.cellId,
  );
}
