import { GROUP, VERSION } from '../../core/names.ts';
import { getOrUndefined } from '../../kube/calls.ts';
import type { KubeClient } from '../../kube/client.ts';
import { Collection } from '../../kube/collection.ts';
import type { NetworkPolicy } from '../../kube/network-policy-index.ts';
import type { KubeObject } from '../../kube/objects.ts';

/** Objects of one kind, read once. */
export type Snapshot<T extends KubeObject = KubeObject> = Collection<T>;

/** Later objects stand in for earlier ones of the same name. */
function snapshotOf<T extends KubeObject>(objects: readonly T[]): Snapshot<T> {
  const snapshot = new Collection<T>();
  snapshot.replace(objects, '1');
  return snapshot;
}

/** What placement and routing know beside a pod. */
export interface Facts {
  readonly classes: Snapshot;
  readonly namespaces: Snapshot;
  readonly daemonSets: Snapshot;
  readonly networkPolicies: Snapshot<NetworkPolicy>;
  /** The virtual node, where there is one. */
  readonly nodes: Snapshot;
  /** The cells that there are, which count to the budgets of their classes. */
  readonly cells: Snapshot;
}

const PATHS = {
  Cell: `/apis/${GROUP}/${VERSION}/cells`,
  CellClass: `/apis/${GROUP}/${VERSION}/cellclasses`,
  Namespace: '/api/v1/namespaces',
  DaemonSet: '/apis/apps/v1/daemonsets',
  NetworkPolicy: '/apis/networking.k8s.io/v1/networkpolicies',
  Node: '/api/v1/nodes',
};

/** What a cluster has of a kind; nothing where it does not know the kind. */
async function listed(client: KubeClient | undefined, kind: keyof typeof PATHS): Promise<readonly KubeObject[]> {
  if (client === undefined) return [];
  const list = await getOrUndefined<{ items: KubeObject[] }>(client, PATHS[kind]);
  return list?.items ?? [];
}

/** What the cluster has, if there is one, and over it what is given: as if it were applied. */
export async function readFacts(
  given: readonly KubeObject[],
  client: KubeClient | undefined,
  namespace: string,
): Promise<Facts> {
  const inNamespace = (object: KubeObject) => ({ ...object, metadata: { namespace, ...object.metadata } });
  const of = async (kind: keyof typeof PATHS) => {
    const added = given.filter((object) => object.kind === kind);
    return snapshotOf([...(await listed(client, kind)), ...(isNamespaced(kind) ? added.map(inNamespace) : added)]);
  };
  const [classes, namespaces, daemonSets, networkPolicies, nodes, cells] = await Promise.all([
    of('CellClass'),
    of('Namespace'),
    of('DaemonSet'),
    of('NetworkPolicy') as Promise<Snapshot<NetworkPolicy>>,
    of('Node'),
    of('Cell'),
  ]);
  return { classes, namespaces, daemonSets, networkPolicies, nodes, cells };
}

function isNamespaced(kind: keyof typeof PATHS): boolean {
  return kind === 'DaemonSet' || kind === 'NetworkPolicy';
}
