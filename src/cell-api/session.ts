import type { X509Certificate } from 'node:crypto';
import PQueue from 'p-queue';
import { type Bucket, createBucket } from '../core/bucket.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { JsonObject } from './http/body.ts';
import { ByteAccount } from './http/byte-account.ts';
import type { DenialReason } from './http/refusal.ts';
import type { KnownCell, PodStatus } from './ports.ts';

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
  /** Of an agent: the pod with this cell's own status of it, and what it was made of. */
  own?: { readonly object: KubeObject; readonly pod: KubeObject; readonly status: PodStatus | undefined };
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
  /** Warnings about agents that go upstream. */
  readonly agentWarningBucket: Bucket;
  readonly signingBucket: Bucket;
  /** When each kind of denial was last logged. */
  readonly deniedAtMs: Map<DenialReason, number>;
  /** Connections that have shown the cell's certificate. */
  readonly connections: Set<object>;
  readonly requestBucket: Bucket;
  /** Refusals for want of the above that are still answered; then the connection is cut. */
  readonly refusalBucket: Bucket;
  /** What it writes in the cluster, events aside. */
  readonly writeBucket: Bucket;
  /** Bodies of requests that are under way. */
  readonly bodies: ByteAccount;
  /** Answers and events that the cell has not read yet. */
  readonly unread: ByteAccount;
  /** Bytes of answers and events; while it is in debt the cell reads nothing new. */
  readonly sentBucket: Bucket;
  /** Lists and watches of whole collections: each looks at every object. */
  readonly collectionBucket: Bucket;
  /** Its requests to the API server. */
  readonly upstream: PQueue;
  /** Under way, from when they were admitted. */
  requests: number;
  watches: number;
  /** Of the watches, those of whole collections. */
  collectionWatches: number;
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
/** A kubelet that starts with many pods tells about five things of each at once. */
const EVENT_BURST_PER_POD = 10;
/** Each of a thousand kubelets has the same to tell of an agent: of one that has trouble, a little is enough. */
const AGENT_WARNINGS_PER_SECOND = 1 / 60;
const AGENT_WARNING_BURST = 5;
const SIGNINGS_PER_SECOND = 0.1;
const SIGNING_BURST = 20;
/** Twice what a stock kubelet's clients allow themselves (50 a second each for objects and for events). */
const REQUESTS_PER_SECOND = 200;
const REQUEST_BURST = 1_000;
const REFUSALS_PER_SECOND = 100;
const REFUSAL_BURST = 1_000;
/** A kubelet lists each of five collections once, and again when its watch can't go on. */
const COLLECTIONS_PER_SECOND = 5;
const COLLECTION_BURST = 100;
const UPSTREAM_CALLS = 8;
const WRITES_PER_SECOND = 10;
const WRITE_BURST = 100;
/** To start a pod takes a kubelet about five patches of its status, and a token or two; one that crashes, some more. */
const WRITE_BURST_PER_POD = 20;
const MIB = 1024 * 1024;
/** Of requests under way; four times the largest body. */
const MAX_BODY_BYTES = 8 * MIB;
/** The Services and EndpointSlices of a cluster with thousands of each. */
const MAX_UNREAD_BYTES = 64 * MIB;
/** Twice as much as may be unread; a cluster in which 100 EndpointSlices change each second tells about a MiB. */
const SENT_BURST_BYTES = 128 * MIB;
const SENT_BYTES_PER_SECOND = 8 * MIB;
/** Of either, what others can not keep a cell from. */
const OWN_BYTES = MIB;

/** Bounds over all cells together, of what they hold beyond their own. */
export interface SharedAccounts {
  readonly bodies: ByteAccount;
  readonly unread: ByteAccount;
}

export function createSharedAccounts(): SharedAccounts {
  return { bodies: new ByteAccount(256 * MIB), unread: new ByteAccount(512 * MIB) };
}

export function createSession(cellId: string, shared: SharedAccounts): CellSession {
  const shown = new Map<string, ShownPod>();
  return {
    cellId,
    shown,
    node: { labels: {}, annotations: {} },
    absorbed: new Map(),
    events: new Set(),
    eventBucket: createBucket(EVENTS_PER_SECOND, () => EVENT_BURST + EVENT_BURST_PER_POD * shown.size),
    agentWarningBucket: createBucket(AGENT_WARNINGS_PER_SECOND, AGENT_WARNING_BURST),
    signingBucket: createBucket(SIGNINGS_PER_SECOND, SIGNING_BURST),
    deniedAtMs: new Map(),
    connections: new Set(),
    requestBucket: createBucket(REQUESTS_PER_SECOND, REQUEST_BURST),
    refusalBucket: createBucket(REFUSALS_PER_SECOND, REFUSAL_BURST),
    writeBucket: createBucket(WRITES_PER_SECOND, () => WRITE_BURST + WRITE_BURST_PER_POD * shown.size),
    bodies: new ByteAccount(MAX_BODY_BYTES, shared.bodies, OWN_BYTES),
    unread: new ByteAccount(MAX_UNREAD_BYTES, shared.unread, OWN_BYTES),
    sentBucket: createBucket(SENT_BYTES_PER_SECOND, SENT_BURST_BYTES),
    collectionBucket: createBucket(COLLECTIONS_PER_SECOND, COLLECTION_BURST),
    upstream: new PQueue({ concurrency: UPSTREAM_CALLS }),
    requests: 0,
    watches: 0,
    collectionWatches: 0,
  };
}

/** The sessions of living cells. */
export class Sessions {
  readonly #byCell = new Map<string, CellSession>();
  readonly #shared: SharedAccounts;

  constructor(shared: SharedAccounts) {
    this.#shared = shared;
  }

  of(cellId: string): CellSession {
    const found = this.#byCell.get(cellId);
    if (found !== undefined) return found;
    const session = createSession(cellId, this.#shared);
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
