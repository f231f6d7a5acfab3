import { type CellTags, NODE_CELL } from '../../../src/core/cell.ts';
import type { Offering } from '../../../src/core/offerings.ts';
import { shapeText } from './shape.ts';

/** Keys of the tags on machines. They are API: changing one loses the cells that are there. */
export const TAG = {
  cluster: 'nodeless.io/cluster',
  virtualNode: 'nodeless.io/virtual-node',
  /** Which launch a machine came of, by which an outcome that nobody knows is settled. */
  launch: 'nodeless.io/launch',
  /** What the launch was of: machines of one kind stand in for each other until they are assigned. */
  kind: 'nodeless.io/kind',
  shape: 'nodeless.io/shape',
  cellClass: 'nodeless.io/cell-class',
  cell: 'nodeless.io/cell',
  namespace: 'nodeless.io/namespace',
  pod: 'nodeless.io/pod',
  podUid: 'nodeless.io/pod-uid',
  purpose: 'nodeless.io/purpose',
  pool: 'nodeless.io/pool',
  poolUid: 'nodeless.io/pool-uid',
  /** What the keys of tags begin with that have the fingerprint of a key by which the machine asked for its certificate. */
  key: 'nodeless.io/key-',
  /** The provider has ended it: EC2 tells of a machine for about an hour after its end. */
  ended: 'nodeless.io/ended',
} as const;

/** What makes a machine a certain cell. */
export const ASSIGNMENT_TAGS: ReadonlySet<string> = new Set([
  ...[TAG.cell, TAG.namespace, TAG.pod, TAG.podUid],
  ...[TAG.purpose, TAG.pool, TAG.poolUid],
]);

export type Tags = Readonly<Record<string, string>>;

/** Of which cluster and virtual node something is. */
export type Home = Pick<CellTags, 'clusterUid' | 'virtualNode'>;

/** The tags of everything that is made for a virtual node. */
export function homeTags({ clusterUid, virtualNode }: Home): Tags {
  return { [TAG.cluster]: clusterUid, [TAG.virtualNode]: virtualNode };
}

export interface LaunchTags {
  readonly home: Home;
  readonly launchId: string;
  readonly kind: string;
  readonly offering: Offering;
  readonly className: string | undefined;
  /** The class's own, for cost allocation. */
  readonly classTags: Tags;
}

/** What every machine of a launch is tagged with, whatever cell it becomes. */
export function launchTags({ home, launchId, kind, offering, className, classTags }: LaunchTags): Tags {
  return {
    Name: `nodeless-${home.virtualNode}`,
    ...classTags,
    ...homeTags(home),
    [TAG.launch]: launchId,
    [TAG.kind]: kind,
    [TAG.shape]: shapeText(offering),
    ...(className === undefined ? {} : { [TAG.cellClass]: className }),
  };
}

/** Which pod a machine is of. */
export function podTags({ pod, podUid }: Pick<CellTags, 'pod' | 'podUid'>): Tags {
  const slash = pod.indexOf('/');
  return { [TAG.namespace]: pod.slice(0, slash), [TAG.pod]: pod.slice(slash + 1), [TAG.podUid]: podUid };
}

/** What makes a machine a certain cell. One that waits in a pool has no tags of a pod yet. */
export function assignmentTags({ cellId, pod, podUid, purpose, pool }: CellTags): Tags {
  return {
    [TAG.cell]: cellId,
    ...(podUid === '' ? {} : podTags({ pod, podUid })),
    ...(pool === undefined ? {} : { [TAG.pool]: pool.name, [TAG.poolUid]: pool.uid }),
    ...(purpose === undefined ? {} : { [TAG.purpose]: purpose }),
  };
}

/** Whose cell a machine is. One that is no cell's yet goes by its own id, so that it is ended when nobody claims it. */
export function cellTagsOf(tags: Tags, instanceId: string): CellTags {
  const cellClass = tags[TAG.cellClass];
  const cellId = tags[TAG.cell];
  const podUid = tags[TAG.podUid] ?? '';
  const poolUid = tags[TAG.poolUid];
  return {
    clusterUid: tags[TAG.cluster] ?? '',
    virtualNode: tags[TAG.virtualNode] ?? '',
    cellId: cellId ?? instanceId,
    pod: cellId === undefined || podUid === '' ? '' : `${tags[TAG.namespace] ?? ''}/${tags[TAG.pod] ?? ''}`,
    podUid,
    ...(poolUid === undefined ? {} : { pool: { name: tags[TAG.pool] ?? '', uid: poolUid } }),
    ...(tags[TAG.purpose] === NODE_CELL ? { purpose: NODE_CELL } : {}),
    ...(cellClass === undefined ? {} : { cellClass }),
  };
}

/** Tags as the SDK has them. */
export function tagList(tags: Tags): { readonly Key: string; readonly Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
