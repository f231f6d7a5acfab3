import type { CellTags } from '../core/cell.ts';
import { call } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import { namespaceIn, type WirePod } from '../kube/wire-pod.ts';
import type { Binding } from './adopt.ts';
import { isEntitled } from './entitlement.ts';

/** Where pods are that may be reasons: in one namespace where all machines are those of its pods. */
function pathFor(machines: readonly CellTags[]): string {
  const namespaces = machines.map(({ purpose, pod }) => (purpose === undefined ? namespaceIn(pod) : ''));
  const [namespace = ''] = namespaces;
  const isOne = namespace !== '' && namespaces.every((other) => other === namespace);
  return isOne ? `/api/v1/namespaces/${namespace}/pods` : '/api/v1/pods';
}

/**
 * The ids of those of a virtual node's cells that a pod of it is still a reason for, by one consistent read. A list, since the
 * Node authorizer lets a node get only pods that exist and are its own.
 */
export async function cellsWithReason(
  nodeClient: KubeClient,
  machines: readonly CellTags[],
  bindingOf: (pod: WirePod) => Binding,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const [first] = machines;
  if (first === undefined) return new Set();
  const query = { fieldSelector: `spec.nodeName=${first.virtualNode}` };
  const path = pathFor(machines);
  const list = await call<{ items: WirePod[] }>(nodeClient, { method: 'GET', path, query, signal });
  const byCell = Map.groupBy(list.items.map(bindingOf), ({ cellId }) => cellId);
  const hasReason = (tags: CellTags) => byCell.get(tags.cellId)?.some((binding) => isEntitled(tags, binding)) === true;
  return new Set(machines.filter(hasReason).map(({ cellId }) => cellId));
}
