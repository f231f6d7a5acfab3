import { networkInterfaces } from 'node:os';
import { StringDecoder } from 'node:string_decoder';
import { createSecureContext } from 'node:tls';
import { type Dispatcher, Pool } from 'undici';
import { NodelessError } from '../../src/core/errors.ts';

/** Kubernetes JSON, as far as a simulated kubelet looks into it. */
export interface KubeObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly deletionTimestamp?: string;
    readonly creationTimestamp?: string;
  };
  readonly [field: string]: unknown;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** The calls of one cell to the cell API. */
export interface CellApiClient {
  call(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<ApiAnswer>;
  /** The lines of a watch, parsed, until the server ends it. @throws NodelessError when it is refused. */
  watch(path: string, signal: AbortSignal): AsyncGenerator<unknown>;
}

const CALL_TIMEOUT_MS = 15_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** Longer than between two renewals of a lease. */
const KEEP_ALIVE_MS = 60_000;
/** A server ends watches itself, every five to ten minutes. */
const WATCH_IDLE_MS = 20 * 60_000;

function failed(method: string, path: string, status: number): NodelessError {
  return new NodelessError({
    code: status === 410 ? 'Expired' : 'KubeRequestFailed',
    retryable: status === 429 || status >= 500,
    message: `${method} ${path} was answered with ${status}`,
    identity: { status },
  });
}

async function* parsedLines(body: AsyncIterable<Buffer>): AsyncGenerator<unknown> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield JSON.parse(line);
  }
}

/** This machine's own server is reached by the loopback address: simulated cells have no addresses to be told apart by. */
function ownWayTo(server: string): { readonly localAddress?: string } {
  const { hostname } = new URL(server);
  const own = Object.values(networkInterfaces()).flat();
  return own.some((entry) => entry?.family === 'IPv4' && entry.address === hostname)
    ? { localAddress: '127.0.0.1' }
    : {};
}

/** Connections to one cell API (HTTP/2 where the server offers it, so one; else one for each request under way). */
export function connectionsTo(
  server: string,
  tls: { readonly ca: string; readonly cert?: string; readonly key?: string },
  limit?: number,
): Dispatcher {
  // Made once: parsing the certificates costs more than the rest of a handshake.
  const secureContext = createSecureContext(tls);
  return new Pool(server, {
    connect: { secureContext, timeout: CONNECT_TIMEOUT_MS },
    ...ownWayTo(server),
    bodyTimeout: WATCH_IDLE_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    ...(limit === undefined ? {} : { connections: limit }),
  });
}

/** The calls of one cell over connections that may be shared while it has only its token. */
export function openCellApi(pool: Dispatcher, token?: string): CellApiClient {
  const headers = (type?: string): Record<string, string> => ({
    accept: 'application/json',
    'user-agent': 'kubelet/simulated',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(type === undefined ? {} : { 'content-type': type }),
  });
  return {
    async call(method, path, body, signal) {
      const type = method === 'PATCH' ? 'application/strategic-merge-patch+json' : 'application/json';
      const response = await pool.request({
        method,
        path,
        headers: headers(body === undefined ? undefined : type),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]),
      });
      const text = await response.body.text();
      if (response.statusCode >= 500 || response.statusCode === 429) throw failed(method, path, response.statusCode);
      return { status: response.statusCode, body: text === '' ? undefined : JSON.parse(text) };
    },
    async *watch(path, signal) {
      const response = await pool.request({ method: 'GET', path, headers: headers(), signal });
      if (response.statusCode !== 200) {
        await response.body.dump();
        throw failed('WATCH', path, response.statusCode);
      }
      yield* parsedLines(response.body);
    },
  };
}

/** The body of a 2xx answer. @throws NodelessError KubeRequestFailed (with the status as identity) for any other. */
export function must<T>(answer: ApiAnswer, what: string): T {
  if (answer.status >= 200 && answer.status < 300) return answer.body as T;
  throw failed(what, '', answer.status);
}
