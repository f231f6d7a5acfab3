import { call, getOrUndefined } from '../../src/kube/calls.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { REGULAR_NODE } from '../../src/local-cluster/regular-node.ts';
import { pod } from '../support/objects.ts';
import { eventually } from '../support/wait.ts';

export const NAMESPACE = 'default';
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
const END_TIMEOUT_MS = 30_000;
export const MEMORY = '64Mi';

/** Where a pod is to run, and how much CPU it requests. */
export interface PodWish {
  readonly name: string;
  readonly cpu: string;
  readonly regular: boolean;
  /** Its CellClass; the default one unless given. */
  readonly cellClass?: string;
}

function requests(cpu: string) {
  return { resources: { requests: { cpu, memory: MEMORY } } };
}

/** Creates a pod; resolves with when it was asked for, in milliseconds since the epoch. */
export async function createPod(client: KubeClient, wish: PodWish, signal: AbortSignal): Promise<number> {
  const spec = wish.regular ? { nodeSelector: { 'kubernetes.io/hostname': REGULAR_NODE } } : {};
  const labels = wish.cellClass === undefined ? {} : { 'nodeless.io/cell-class': wish.cellClass };
  const body = pod(wish.name, { container: requests(wish.cpu), spec, metadata: { labels } });
  const askedMs = Date.now();
  await call(client, { method: 'POST', path: PODS, body, signal });
  return askedMs;
}

/** Deletes a pod and waits until it is gone. */
export async function endPod(client: KubeClient, name: string, signal: AbortSignal): Promise<void> {
  const path = `${PODS}/${name}`;
  await call(client, { method: 'DELETE', path, signal });
  const gone = async () => (await getOrUndefined(client, path, signal)) === undefined;
  await eventually(`pod ${name} is gone`, gone, END_TIMEOUT_MS);
}
