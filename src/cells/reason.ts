import type { CellTags } from '../core/cell.ts';
import { call } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import { namespaceIn, type WirePod } from '../kube/wire-pod.ts';
import type { Binding } from './adopt.ts';
import { isEntitled } from './entitlement.ts';

/**
 * Whether a pod of the virtual node is still a reason for this cell, by a consistent read. A list, since the Node
 * authorizer lets a node get only pods that exist and are its own.
 */
export async function podNamesCell(
  nodeClient: KubeClient,
  tags: CellTags,
  bindingOf: (pod: WirePod) => Binding,
  signal: AbortSignal,
): Promise<boolean> {
  const fieldSelector = `spec.nodeName=${tags.virtualNode}`;
  const isKnown = tags.purpose === undefined && tags.pod !== '';
  const path = isKnown ? `/api/v1/namespaces/${namespaceIn(tags.pod)}/pods` : '/api/v1/pods';
  const list = await call<{ items: WirePod[] }>(nodeClient, { method: 'GET', path, query: { fieldSelector }, signal });
  return list.items.map(bindingOf).some((binding) => binding.cellId === tags.cellId && isEntitled(tags, binding));
}
