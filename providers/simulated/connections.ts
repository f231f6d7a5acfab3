import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { networkInterfaces } from 'node:os';
import type { Readable } from 'node:stream';
import { createSecureContext, type SecureContext } from 'node:tls';
import { NodelessError } from '../../src/core/errors.ts';

/** One request of a simulated kubelet. */
export interface CellApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Ends the request, and the answer that is still being read. */
  readonly signal: AbortSignal;
}

/** HTTP/2 to one cell API. */
export interface Connections {
  /** Resolves when the head of the answer has come. @throws when it has not, or the signal aborts */
  request(request: CellApiRequest): Promise<{ readonly status: number; readonly body: Readable }>;
  /** Ends everything at once, and for good. */
  destroy(): void;
}

/** What a cell proves itself with, and the server to it: PEM. */
export interface TlsIdentity {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** Longer than between two renewals of a lease. */
const IDLE_MS = 60_000;

/** This machine's own server is reached by the loopback address: simulated cells have no addresses to be told apart by. */
function ownWayTo(server: string): { readonly localAddress?: string } {
  const { hostname } = new URL(server);
  const own = Object.values(networkInterfaces()).flat();
  return own.some((entry) => entry?.family === 'IPv4' && entry.address === hostname)
    ? { localAddress: '127.0.0.1' }
    : {};
}

function open(server: string, secureContext: SecureContext): ClientHttp2Session {
  const session = connect(server, { secureContext, settings: { enablePush: false }, ...ownWayTo(server) });
  const late = setTimeout(() => session.destroy(), CONNECT_TIMEOUT_MS).unref();
  session.once('connect', () => clearTimeout(late)).once('close', () => clearTimeout(late));
  // Each stream is told of it as well.
  session.on('error', () => undefined);
  session.setTimeout(IDLE_MS, () => session.close());
  return session;
}

function lost(message: string, retryable: boolean): NodelessError {
  return new NodelessError({ code: 'KubeRequestFailed', retryable, message });
}

function answerOf(stream: ClientHttp2Stream, { method, path }: CellApiRequest): Promise<number> {
  return new Promise((resolve, reject) => {
    stream.once('response', ({ [constants.HTTP2_HEADER_STATUS]: status }) => resolve(Number(status)));
    // Stays: an error may come twice, and after the answer.
    stream.on('error', reject);
    stream.once('close', () => reject(lost(`${method} ${path}: the connection closed before an answer came`, true)));
  });
}

/** Connections that are opened when they are needed, and again when they were lost. One is what a kubelet has. */
export function connectionsTo(server: string, tls: TlsIdentity, count = 1): Connections {
  // Made once: parsing the certificates costs more than the rest of a handshake.
  const secureContext = createSecureContext(tls);
  const sessions: (ClientHttp2Session | undefined)[] = Array.from({ length: count });
  let turn = 0;
  let destroyed = false;

  function session(): ClientHttp2Session {
    if (destroyed) throw lost(`the connections to ${server} have ended`, false);
    turn = (turn + 1) % count;
    const known = sessions[turn];
    if (known !== undefined && !known.closed && !known.destroyed) return known;
    const opened = open(server, secureContext);
    sessions[turn] = opened;
    return opened;
  }

  return {
    async request(request) {
      const { method, path, headers, body, signal } = request;
      signal.throwIfAborted();
      const pseudo = { [constants.HTTP2_HEADER_METHOD]: method, [constants.HTTP2_HEADER_PATH]: path };
      const stream = session().request({ ...headers, ...pseudo }, { endStream: body === undefined, signal });
      if (body !== undefined) stream.end(body);
      return { status: await answerOf(stream, request), body: stream };
    },
    destroy() {
      destroyed = true;
      for (const known of sessions) known?.destroy();
    },
  };
}
