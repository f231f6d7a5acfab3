import { CELLS_PATH, GROUP, VERSION, VIRTUAL_NODE_LABEL, WARM_POOLS_PATH } from './core/names.ts';
import { type Collection, type CollectionReader, type CollectionSource, startCollection } from './kube/collection.ts';
import type { NetworkPolicy } from './kube/network-policy-index.ts';
import type { KubeObject } from './kube/objects.ts';

/** What both routing, on every replica, and whoever leads have to know of the cluster: one watch of each. */
export interface SharedCollections {
  readonly cellClasses: Collection<KubeObject>;
  readonly namespaces: Collection<KubeObject>;
  readonly daemonSets: Collection<KubeObject>;
  readonly networkPolicies: Collection<NetworkPolicy>;
  readonly warmPools: Collection<KubeObject>;
}

/** The virtual nodes by name, each as its own API server's watch has it. */
export type NodeReader = Pick<CollectionReader<KubeObject>, 'get'>;

/** Watches each virtual node as itself, which no other may. */
export function startNodes(
  source: Omit<CollectionSource, 'path' | 'query' | 'client'>,
  nodeClients: ReadonlyMap<string, CollectionSource['client']>,
  signal: AbortSignal,
): NodeReader {
  const watches = new Map(
    [...nodeClients].map(([name, client]) => {
      const query = { fieldSelector: `metadata.name=${name}` };
      return [name, startCollection<KubeObject>({ ...source, client, path: '/api/v1/nodes', query }, signal)];
    }),
  );
  return { get: (namespace, name) => watches.get(name)?.get(namespace, name) };
}

/** Watches the Cell objects of a configuration's virtual nodes together, from before any is led. */
export function startCells(
  source: Omit<CollectionSource, 'path' | 'query'>,
  group: string,
  signal: AbortSignal,
): Collection<KubeObject> {
  const query = { labelSelector: `${VIRTUAL_NODE_LABEL}=${group}` };
  return startCollection<KubeObject>({ ...source, path: CELLS_PATH, query }, signal);
}

/** Starts them; they are kept up until the signal aborts. */
export function startShared(source: Omit<CollectionSource, 'path' | 'query'>, signal: AbortSignal): SharedCollections {
  const start = <T extends KubeObject = KubeObject>(path: string) => startCollection<T>({ ...source, path }, signal);
  return {
    cellClasses: start(`/apis/${GROUP}/${VERSION}/cellclasses`),
    namespaces: start('/api/v1/namespaces'),
    daemonSets: start('/apis/apps/v1/daemonsets'),
    networkPolicies: start<NetworkPolicy>('/apis/networking.k8s.io/v1/networkpolicies'),
    warmPools: start(WARM_POOLS_PATH),
  };
}
