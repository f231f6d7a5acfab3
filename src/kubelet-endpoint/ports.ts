import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KubeObject } from '../kube/objects.ts';

/** A pod as its own cell may speak of it. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** An agent's, which every cell may have: what each tells of it is told apart, on however many it is now. */
  readonly isAgent?: boolean;
}

/** Where a cell's kubelet listens. Its serving certificate names `address` as an IP SAN. */
export interface CellAddress {
  readonly cellId: string;
  readonly address: string;
  readonly port: number;
}

export interface CellOfPod extends CellAddress {
  readonly podUid: string;
}

/** Why no cell can answer for a pod, in words for whoever typed `kubectl logs`. */
export interface MissingCell {
  readonly missing: string;
}

export interface RunningCell extends CellAddress {
  /** Everything that was handed over to this cell, agents included: its statistics count for these only. */
  readonly pods: readonly PodIdentity[];
}

/** Which cell answers for which pod; the book of cells gives it. */
export interface CellDirectory {
  /** With a cell's id, that cell, if it has the pod: of a pod that every cell has, one has to be named. */
  ofPod(namespace: string, name: string, cellId?: string): CellOfPod | MissingCell;
  /** Cells whose kubelets can be asked now. */
  running(): readonly RunningCell[];
}

/** What the provider shows to a cell's kubelet, and what it believes of one; all PEM. */
export interface UpstreamTls {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** Authority that signed the cells' serving certificates. */
  readonly ca: string | Buffer | readonly (string | Buffer)[];
}

/** Gives the material of now: certificates rotate. */
export type UpstreamTlsSource = () => UpstreamTls;

/** Pods bound to the virtual node; a Collection is one. */
export interface PodSource {
  readonly synced: boolean;
  items(): Iterable<KubeObject>;
}

/** The page for people (docs/ui.md), to whoever may read the node's metrics. */
export interface Page {
  /** Answers a GET or HEAD of what the page has under this name; undefined for its address without the slash at the end. */
  serve(name: string | undefined, request: IncomingMessage, response: ServerResponse): void;
  /** Ends its streams. */
  stop(): void;
}

export function isMissing(answer: CellOfPod | MissingCell): answer is MissingCell {
  return 'missing' in answer;
}
