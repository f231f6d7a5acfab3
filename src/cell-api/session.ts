import type { X509Certificate } from 'node:crypto';
import type { KubeObject } from '../kube/objects.ts';
import type { JsonObject } from './http/body.ts';
import { type Bucket, createBucket } from './http/bucket.ts';
import type { DenialReason } from './http/refusal.ts';
import { type BodyAccount, createBodyAccount } from './http/request-body.ts';
import type { KnownCell } from './ports.ts';

/** What the kubelet of a cell has written about its Node; never sent upstream. */
export interface NodeOverlay {
  labels: Readonly<Record<string, string | null>>;
  annotations: Readonly<Record<string, string | null>>;
  status?: JsonObject;
}

/** A pod that was shown to a cell. */
export interface ShownPod {
  readonly namespace: string;
  readonly name: string;
  /** Newer than the shared cache's when this cell has just written to it. */
  newest?: KubeObject;
}

/** What the cell API remembers of one cell while the cell lives. All of it may be lost in a restart. */
export interface CellSession {
  readonly cellId: string;
  /** By uid; its size is bounded by the pods ever handed over to the cell. */
  readonly shown: Map<string, ShownPod>;
  readonly node: NodeOverlay;
  /** Lease, CSINode and the like, by path. */
  readonly absorbed: Map<string, KubeObject>;
  /** `namespace/name` of the events that the cell has created, oldest first. */
  readonly events: Set<string>;
  readonly eventBucket: Bucket;
  readonly signingBucket: Bucket;
  /** When each kind of denial was last logged. */
  readonly deniedAtMs: Map<DenialReason, number>;
  /** Connections that have shown the cell's certificate. */
  readonly connections: Set<object>;
  readonly bodies: BodyAccount;
  requests: number;
  watches: number;
}

/** Who sends a request. */
export type Caller =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'bootstrap'; readonly token: string; readonly remoteAddress: string }
  | {
      readonly kind: 'cell';
      readonly cell: KnownCell;
      readonly session: CellSession;
      readonly certificate: X509Certificate;
    };

const EVENTS_PER_SECOND = 5;
const EVENT_BURST = 100;
const SIGNINGS_PER_SECOND = 0.1;
const SIGNING_BURST = 20;
/** Of requests under way; four times the largest body. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

export function createSession(cellId: string): CellSession {
  return {
    cellId,
    shown: new Map(),
    node: { labels: {}, annotations: {} },
    absorbed: new Map(),
    events: new Set(),
    eventBucket: createBucket(EVENTS_PER_SECOND, EVENT_BURST),
    signingBucket: createBucket(SIGNINGS_PER_SECOND, SIGNING_BURST),
    deniedAtMs: new Map(),
    connections: new Set(),
    bodies: createBodyAccount(MAX_BODY_BYTES),
    requests: 0,
    watches: 0,
  };
}

/** The sessions of living cells. */
export class Sessions {
  readonly #byCell = new Map<string, CellSession>();

  of(cellId: string): CellSession {
    const found = this.#byCell.get(cellId);
    if (found !== undefined) return found;
    const session = createSession(cellId);
    this.#byCell.set(cellId, session);
    return session;
  }

  all(): IterableIterator<CellSession> {
    return this.#byCell.values();
  }

  forget(cellId: string): void {
    this.#byCell.delete(cellId);
  }
}
