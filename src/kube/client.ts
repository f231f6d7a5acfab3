import type { Readable } from 'node:stream';
import type { KubeConfig } from '@kubernetes/client-node';
import { Agent, type Dispatcher } from 'undici';
import packageJson from '../../package.json' with { type: 'json' };
import type { Clock } from '../core/clock.ts';
import { messageOf, NodelessError } from '../core/errors.ts';
import { type Authentication, authenticationOf } from './authentication.ts';

/** One call to the API server. */
export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path without query, such as `/api/v1/nodes`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** A string or Buffer is sent as it is; anything else as JSON. */
  readonly body?: unknown;
  /** Of the body; `application/json` unless given. */
  readonly contentType?: string;
  /** Of the answer; `application/json` unless given. */
  readonly accept?: string;
  readonly signal?: AbortSignal;
  /** Whole-call deadline of `request` in milliseconds; 30 s unless given. */
  readonly timeoutMs?: number;
  /** How long a `stream` may be silent, in milliseconds; 150 s unless given, 0 for as long as the connection holds. */
  readonly idleTimeoutMs?: number;
}

export interface KubeResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

/** Whom the API server is to take the caller for. */
export interface Impersonation {
  readonly user: string;
  readonly groups: readonly string[];
}

/** A narrow client of one API server: bytes in, bytes out, any status; pooled, authenticated, with deadlines. */
export interface KubeClient {
  /** Resolves with any HTTP status. @throws NodelessError KubeRequestFailed (retryable) when no answer came. */
  request(request: KubeRequest): Promise<KubeResponse>;
  /** Like `request`, but the body comes as it is written; end it by the signal or by destroying the body. */
  stream(request: KubeRequest): Promise<{ readonly status: number; readonly body: Readable }>;
  /** The same connection pool, as somebody else (needs RBAC `impersonate`). */
  as(identity: Impersonation): KubeClient;
  close(): Promise<void>;
}

const LEASES = '/apis/coordination.k8s.io/';
/** Whole-call deadline of `request` where none is given. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** A watch that is silent for so long may have lost its connection; most API servers send a bookmark each minute. */
const STREAM_IDLE_MS = 150_000;

/** Names and values in turn, since one header comes several times. */
function headerList(headers: Readonly<Record<string, string>>, identity: Impersonation | undefined): string[] {
  const list = Object.entries(headers).flat();
  if (identity === undefined) return list;
  return [
    ...list,
    'impersonate-user',
    identity.user,
    ...identity.groups.flatMap((group) => ['impersonate-group', group]),
  ];
}

function failed(request: KubeRequest, cause: unknown): NodelessError {
  return new NodelessError({
    code: 'KubeRequestFailed',
    retryable: true,
    message: `the API server did not answer ${request.method} ${request.path}: ${messageOf(cause)}`,
    cause,
    identity: { path: request.path },
  });
}

/** What a client and all that it is `as` have in common. */
interface Pool {
  readonly authentication: Authentication;
  readonly unary: Agent;
  /** Of leases: what waits in the other's queue must not cost the lead, nor make a node NotReady. */
  readonly leases: Agent;
  readonly streams: Agent;
  readonly userAgent: string;
}

class PooledClient implements KubeClient {
  readonly #pool: Pool;
  readonly #identity: Impersonation | undefined;

  constructor(pool: Pool, identity?: Impersonation) {
    this.#pool = pool;
    this.#identity = identity;
  }

  as(identity: Impersonation): KubeClient {
    return new PooledClient(this.#pool, identity);
  }

  async request(request: KubeRequest): Promise<KubeResponse> {
    const deadline = AbortSignal.timeout(request.timeoutMs ?? REQUEST_TIMEOUT_MS);
    const signal = request.signal === undefined ? deadline : AbortSignal.any([request.signal, deadline]);
    try {
      const { leases, unary } = this.#pool;
      const agent = request.path.startsWith(LEASES) ? leases : unary;
      const response = await this.#dispatch(agent, request, signal);
      const body = Buffer.from(await response.body.arrayBuffer());
      if (response.statusCode === 401) this.#pool.authentication.invalidate();
      return { status: response.statusCode, contentType: String(response.headers['content-type'] ?? ''), body };
    } catch (error) {
      request.signal?.throwIfAborted();
      throw failed(request, error);
    }
  }

  async stream(request: KubeRequest): Promise<{ status: number; body: Readable }> {
    try {
      const response = await this.#dispatch(this.#pool.streams, request, request.signal);
      if (response.statusCode === 401) this.#pool.authentication.invalidate();
      // Who reads the body is told of its errors by reading; without a reader they must not end the process.
      response.body.on('error', () => undefined);
      return { status: response.statusCode, body: response.body };
    } catch (error) {
      request.signal?.throwIfAborted();
      throw failed(request, error);
    }
  }

  async #dispatch(
    agent: Agent,
    request: KubeRequest,
    signal: AbortSignal | undefined,
  ): Promise<Dispatcher.ResponseData> {
    const { idleTimeoutMs } = request;
    const { origin, basePath, headers } = await this.#pool.authentication.current();
    const raw = typeof request.body === 'string' || Buffer.isBuffer(request.body);
    const body =
      request.body === undefined ? null : raw ? (request.body as string | Buffer) : JSON.stringify(request.body);
    return agent.request({
      origin,
      path: basePath + request.path,
      method: request.method,
      query: { ...request.query },
      body,
      signal: signal ?? null,
      ...(idleTimeoutMs === undefined ? {} : { headersTimeout: idleTimeoutMs, bodyTimeout: idleTimeoutMs }),
      headers: headerList(
        {
          accept: request.accept ?? 'application/json',
          'user-agent': this.#pool.userAgent,
          ...(body === null ? {} : { 'content-type': request.contentType ?? 'application/json' }),
          ...headers,
        },
        this.#identity,
      ),
    });
  }

  async close(): Promise<void> {
    const { unary, leases, streams } = this.#pool;
    await Promise.all([unary.destroy(), leases.destroy(), streams.destroy()]);
  }
}

/** How a request names itself in the API server's audit log: program, version, and the replica that made it. */
function userAgentOf(replica: string | undefined): string {
  const program = `nodeless/${packageJson.version}`;
  return replica === undefined ? program : `${program} (${replica})`;
}

/**
 * Makes the client of a kubeconfig's current context (files, in-cluster and exec credentials included).
 * `replica` is the identity under which the provider leads; other callers have none.
 */
export async function createKubeClient(config: KubeConfig, clock: Clock, replica?: string): Promise<KubeClient> {
  const authentication = authenticationOf(config, clock);
  const { tls } = await authentication.current();
  const connect = { ...tls, keepAlive: true, keepAliveInitialDelay: 15_000, timeout: 10_000 };
  // Over HTTP/2 undici joins repeated headers with commas: two groups of an impersonation would become one.
  const allowH2 = false;
  const unary = new Agent({ connect, allowH2, connections: 64, headersTimeout: 0, bodyTimeout: 0 });
  const leases = new Agent({ connect, allowH2, connections: 4, headersTimeout: 0, bodyTimeout: 0 });
  const streams = new Agent({ connect, allowH2, headersTimeout: 60_000, bodyTimeout: STREAM_IDLE_MS });
  return new PooledClient({ authentication, unary, leases, streams, userAgent: userAgentOf(replica) });
}
