import { call } from '../../kube/calls.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { WirePod } from '../../kube/wire-pod.ts';

/** Which pods; all where nothing is given. */
export interface Chosen {
  readonly namespace?: string;
  readonly selector?: string;
}

interface PodList {
  readonly metadata?: { readonly continue?: string };
  readonly items: readonly WirePod[];
}

const PAGE = 500;

/** The pods that a cluster has now, a page at a time. @throws KubeStatusError */
export async function podsOf(client: KubeClient, { namespace, selector }: Chosen): Promise<readonly WirePod[]> {
  const where = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  const pods: WirePod[] = [];
  let next: string | undefined;
  do {
    const query = {
      limit: String(PAGE),
      ...(selector === undefined ? {} : { labelSelector: selector }),
      ...(next ? { continue: next } : {}),
    };
    const list: PodList = await call(client, { method: 'GET', path: `/api/v1${where}/pods`, query });
    pods.push(...list.items);
    next = list.metadata?.continue;
  } while (next);
  return pods;
}
