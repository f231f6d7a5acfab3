import type { V1Node } from '@kubernetes/client-node';
import type { Resources } from '../core/resources.ts';
import type { CollectionReader } from '../kube/collection.ts';
import type { KubeObject } from '../kube/objects.ts';

/** What the cell API must know of a cell; the book of cells gives it. */
export interface KnownCell {
  readonly cellId: string;
  /** Addresses that its serving certificate may name and that its Node shows. */
  readonly addresses: readonly string[];
  readonly instanceType: string;
  readonly zone: string;
  readonly arch: string;
  readonly allocatable: Resources;
}

/** The cells and which pods were handed over to each. */
export interface CellBook {
  /** False until every cell and every binding is known; pod lists answer 503 until then. */
  readonly complete: boolean;
  /** A cell that is not ending or ended. */
  find(cellId: string): KnownCell | undefined;
  /** uids of the pods handed over to this cell. */
  podUids(cellId: string): ReadonlySet<string>;
  /** Calls back with a pod's uid at each hand-over to this cell; the returned function ends that. */
  onHandOver(cellId: string, listener: (podUid: string) => void): () => void;
}

/** What the cell API tells of a cell's kubelet. */
export interface CellReports {
  /** A sign of life: a lease renewal or a node status. */
  heartbeat(cellId: string): void;
  /** The cell's Node after its kubelet's status was merged in. */
  nodeStatus(cellId: string, node: V1Node): void;
}

/** Shared caches that cells read from; each is one watch upstream. */
export interface SharedCollections {
  /** Pods bound to the virtual node. */
  readonly pods: CollectionReader<KubeObject>;
  /** The virtual node itself. */
  readonly nodes: CollectionReader<KubeObject>;
}
