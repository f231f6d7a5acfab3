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
  /** uids of the pods handed over to this cell, and of its agents. */
  podUids(cellId: string): ReadonlySet<string>;
  /** Calls back with a pod's uid when this cell is to be shown it, another status of it, or it no more; the returned function ends that. */
  onShown(cellId: string, listener: (podUid: string) => void): () => void;
}

/** A pod's status as a kubelet writes it. */
export type PodStatus = Readonly<Record<string, unknown>>;

/** The agents: pods that are in every cell under one uid, and in each have a status of their own. */
export interface AgentBook {
  /** False until it is known which agents a cell has; its pod lists answer 503 until then. */
  knowsAgents(cellId: string): boolean;
  /** What this cell's kubelet has told of an agent; undefined where the pod is none here. */
  agentStatus(cellId: string, podUid: string): { readonly status?: PodStatus } | undefined;
  /** The cell's kubelet tells the agent's status there. */
  tellAgent(cellId: string, podUid: string, status: PodStatus): void;
  /** The cell's kubelet has ended the agent. */
  unseatAgent(cellId: string, podUid: string): void;
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
