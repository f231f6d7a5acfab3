import { type AuthenticationOptions, authenticate } from './http/authentication.ts';
import type { Connection } from './http/connection.ts';
import { type DenialReason, type Refusal, tooMany } from './http/refusal.ts';
import type { Admission } from './http/request-body.ts';
import type { StrangerBodies } from './http/stranger-bodies.ts';
import type { CellSession } from './session.ts';

/** What is known of a request before its body is read. */
export interface RequestHead {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly connection: Connection;
}

export interface AdmissionOptions {
  readonly authentication: AuthenticationOptions;
  /** Of callers that have no certificate. */
  readonly strangers: StrangerBodies;
}

/** Larger than any object that fits into etcd. */
const BODY_LIMIT_BYTES = 2 * 1024 * 1024;
/** A kubelet's takes 2 KiB. */
const SIGNING_LIMIT_BYTES = 64 * 1024;
const STRANGER_LIMIT_BYTES = 16 * 1024;
const CELL_DEADLINE_MS = 30_000;
const STRANGER_DEADLINE_MS = 5_000;
const MAX_CONNECTIONS_PER_CELL = 32;
/** Of one cell, from before their bodies are read. */
const MAX_REQUESTS = 200;
const SIGNING_PATH = '/apis/certificates.k8s.io/v1/certificatesigningrequests';

/** Counts a connection with its cell, or tells which of the cell's limits is against that. */
function admitConnection({ cellId, connections }: CellSession, connection: Connection): DenialReason | undefined {
  if (connections.has(connection)) return undefined;
  if (connections.size >= MAX_CONNECTIONS_PER_CELL) return 'connection-limit';
  const denial = connection.prove(cellId);
  if (denial !== undefined) return denial;
  connections.add(connection);
  connection.onClose(() => connections.delete(connection));
  return undefined;
}

/**
 * Counts a connection with its cell from its handshake on, or it would be nobody's until its first request. Returns why
 * it is to be cut. While cells are not known yet it stays nobody's, until a request of it is admitted.
 */
export function greet({ authentication }: AdmissionOptions, connection: Connection): DenialReason | undefined {
  try {
    const caller = authenticate(authentication, connection.peer, undefined);
    return caller.kind === 'cell' ? admitConnection(caller.session, connection) : undefined;
  } catch {
    // Refused by name when it asks for something.
    return undefined;
  }
}

/** Admits a request within its cell's rate. Who has no certificate of ours has one thing to say, a signing request. */
export function admitRequest(options: AdmissionOptions, head: RequestHead): Admission {
  const { method, url, authorization, connection } = head;
  const signing = url.split('?')[0] === SIGNING_PATH;
  const nowMs = options.authentication.clock.now();
  try {
    const caller = authenticate(options.authentication, connection.peer, authorization);
    if (caller.kind === 'cell') {
      const { session } = caller;
      const cut = admitConnection(session, connection);
      if (cut !== undefined) return { cut };
      const limitBytes = signing ? SIGNING_LIMIT_BYTES : BODY_LIMIT_BYTES;
      const allowance = { limitBytes, deadlineMs: CELL_DEADLINE_MS, account: session.bodies };
      return overRate(session, nowMs) ?? { ...allowance, onAnswered: underWay(session) };
    }
    if (caller.kind === 'anonymous' || method !== 'POST' || !signing) return undefined;
    const account = options.strangers.of(connection.peer.remoteAddress, nowMs);
    return { limitBytes: STRANGER_LIMIT_BYTES, deadlineMs: STRANGER_DEADLINE_MS, account };
  } catch {
    // The same refusal comes when the request is answered, and is counted there.
    return undefined;
  }
}

function overRate(
  { requestBucket, refusalBucket, requests }: CellSession,
  nowMs: number,
): Refusal | { cut: DenialReason } | undefined {
  if (requestBucket.take(nowMs)) {
    return requests < MAX_REQUESTS ? undefined : tooMany('the cell has too many requests under way');
  }
  if (!refusalBucket.take(nowMs)) return { cut: 'request-rate' };
  return tooMany('the cell sends too many requests', 'request-rate');
}

/** Counts a request as under way until the returned function is first called. */
function underWay(session: CellSession): () => void {
  let counted = true;
  session.requests += 1;
  return () => {
    if (counted) session.requests -= 1;
    counted = false;
  };
}
