import { EXHAUSTED_TAINT } from '../core/names.ts';
import { call, isStatus } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import { hasCondition, type KubeObject } from '../kube/objects.ts';
import type { Taint } from './taints.ts';

function taintsOf(node: KubeObject): readonly Taint[] {
  return (node.spec as { readonly taints?: readonly Taint[] } | undefined)?.taints ?? [];
}

/** Whether a Node says that its zone has no capacity. */
export function isMarkedExhausted(node: KubeObject): boolean {
  return taintsOf(node).some(({ key }) => key === EXHAUSTED_TAINT.key);
}

/** Merge patch that makes a Node say so or not, refused (409) when the Node has changed since; undefined when it does already. */
export function exhaustedPatch(node: KubeObject, exhausted: boolean): object | undefined {
  if (isMarkedExhausted(node) === exhausted) return undefined;
  const others = taintsOf(node).filter(({ key }) => key !== EXHAUSTED_TAINT.key);
  const { resourceVersion } = node.metadata;
  return { metadata: { resourceVersion }, spec: { taints: exhausted ? [...others, EXHAUSTED_TAINT] : others } };
}

/** Writes that; somebody else's write in between is waited out by asking again. */
export async function markExhausted(
  client: KubeClient,
  node: KubeObject,
  exhausted: boolean,
  signal: AbortSignal,
): Promise<void> {
  const body = exhaustedPatch(node, exhausted);
  if (body === undefined) return;
  const path = `/api/v1/nodes/${node.metadata.name}`;
  try {
    await call(client, { method: 'PATCH', path, contentType: 'application/merge-patch+json', body, signal });
  } catch (error) {
    if (!isStatus(error, 409)) throw error;
  }
}

/** Whether the scheduler may put pods on a virtual node, as far as the node itself goes. */
export function takesPods(node: KubeObject): boolean {
  const { unschedulable = false } = (node.spec ?? {}) as { readonly unschedulable?: boolean };
  const isThere = node.metadata.deletionTimestamp === undefined && hasCondition(node, 'Ready');
  return isThere && !unschedulable && !isMarkedExhausted(node);
}
