import { GROUP, VERSION } from '../../core/names.ts';
import { getOrUndefined } from '../../kube/calls.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/objects.ts';

/** Objects of one kind, read once; what placement reads collections by. */
export interface Snapshot {
  readonly synced: true;
  items(): IterableIterator<KubeObject>;
  get(namespace: string | undefined, name: string): KubeObject | undefined;
}

/** Later objects stand in for earlier ones of the same name. */
export function snapshotOf(objects: readonly KubeObject[]): Snapshot {
  const keyOf = (namespace: string | undefined, name: string) => `${namespace ?? ''}/${name}`;
  const byName = new Map(objects.map((object) => [keyOf(object.metadata.namespace, object.metadata.name), object]));
  return {
    synced: true,
    items: () => byName.values(),
    get: (namespace, name) => byName.get(keyOf(namespace, name)),
  };
}

/** What placement knows beside a pod. */
export interface Facts {
  readonly classes: Snapshot;
  readonly namespaces: Snapshot;
  readonly daemonSets: Snapshot;
  /** The cells that there are, which count to the budgets of their classes. */
  readonly cells: Snapshot;
}

const PATHS = {
  Cell: `/apis/${GROUP}/${VERSION}/cells`,
  CellClass: `/apis/${GROUP}/${VERSION}/cellclasses`,
  Namespace: '/api/v1/namespaces',
  DaemonSet: '/apis/apps/v1/daemonsets',
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
  const isOf = (kind: string) => (object: KubeObject) => object.kind === kind;
  const inNamespace = (object: KubeObject) => ({ ...object, metadata: { namespace, ...object.metadata } });
  const [classes, namespaces, daemonSets, cells] = await Promise.all([
    listed(client, 'CellClass'),
    listed(client, 'Namespace'),
    listed(client, 'DaemonSet'),
    listed(client, 'Cell'),
  ]);
  return {
    classes: snapshotOf([...classes, ...given.filter(isOf('CellClass'))]),
    namespaces: snapshotOf([...namespaces, ...given.filter(isOf('Namespace'))]),
    daemonSets: snapshotOf([...daemonSets, ...given.filter(isOf('DaemonSet')).map(inNamespace)]),
    cells: snapshotOf(cells),
  };
}
