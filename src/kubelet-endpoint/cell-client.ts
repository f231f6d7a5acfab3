import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { messageOf } from '../core/errors.ts';
import { hostOf, type RawHeaders, requestHeaders } from './headers.ts';
import type { CellAddress, UpstreamTlsSource } from './ports.ts';

interface ProxiedRequest {
  readonly method: string;
  /** Path and query for the cell's kubelet. */
  readonly target: string;
  readonly rawHeaders: RawHeaders;
  readonly upgrade: boolean;
}

type Fetched =
  | { readonly ok: true; readonly body: Buffer }
  /** Why there is nothing usable, for the log. */
  | { readonly ok: false; readonly reason: string };

interface FetchLimits {
  /** From the call to the last byte. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

/** Speaks to the cells' kubelets as the provider. */
export interface CellClient {
  /** A request on a connection of its own, with `allowHalfOpen`; fails when not connected within `connectTimeoutMs`. */
  open(cell: CellAddress, request: ProxiedRequest): ClientRequest;
  /** A whole 200 answer, over kept-alive connections. Never rejects. */
  fetch(cell: CellAddress, path: string, accept: string, limits: FetchLimits): Promise<Fetched>;
  close(): void;
}

/** A cell's certificate is checked against the provider's own authority and the very address that is dialled. */
export function createCellClient(upstream: UpstreamTlsSource, connectTimeoutMs: number): CellClient {
  // Less than the 90 s after which a kubelet closes an idle connection.
  const pool = new Agent({ keepAlive: true, maxSockets: 4, maxFreeSockets: 1, timeout: 60_000 });

  function tls(): { cert: string | Buffer; key: string | Buffer; ca: (string | Buffer)[] } {
    const { cert, key, ca } = upstream();
    return { cert, key, ca: typeof ca === 'string' || Buffer.isBuffer(ca) ? [ca] : [...ca] };
  }

  async function fetchOnce(cell: CellAddress, path: string, accept: string, limits: FetchLimits): Promise<Fetched> {
    const deadline = AbortSignal.timeout(limits.timeoutMs);
    const signal = limits.signal === undefined ? deadline : AbortSignal.any([deadline, limits.signal]);
    const { address: host, port } = cell;
    const outgoing = httpsRequest({ ...tls(), agent: pool, host, port, path, headers: { accept }, signal });
    outgoing.end();
    try {
      return await wholeAnswer(outgoing, limits.maxBytes);
    } catch (error) {
      if (deadline.aborted) return { ok: false, reason: `no whole answer within ${limits.timeoutMs} ms` };
      // The kubelet closed an idle connection just as it was used again.
      if (outgoing.reusedSocket && !signal.aborted) return fetchOnce(cell, path, accept, { ...limits, signal });
      return { ok: false, reason: messageOf(error) };
    } finally {
      outgoing.destroy();
    }
  }

  return {
    open(cell, { method, target, rawHeaders, upgrade }) {
      const { address, port } = cell;
      const kept = requestHeaders(rawHeaders, hostOf(address, port), upgrade);
      const framing = method === 'GET' || method === 'HEAD' ? [] : ['Content-Length', '0'];
      const outgoing = httpsRequest({
        ...tls(),
        agent: false,
        host: address,
        port,
        method,
        path: target,
        headers: [...kept, ...framing],
        ...{ allowHalfOpen: true },
      });
      outgoing.once('socket', (socket) => limitConnecting(outgoing, socket, connectTimeoutMs));
      return outgoing;
    },
    async fetch(cell, path, accept, limits) {
      try {
        return await fetchOnce(cell, path, accept, limits);
      } catch (error) {
        return { ok: false, reason: messageOf(error) };
      }
    },
    close: () => pool.destroy(),
  };
}

function limitConnecting(outgoing: ClientRequest, socket: Socket, timeoutMs: number): void {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 30_000);
  const late = () => outgoing.destroy(new Error(`not connected within ${timeoutMs} ms`));
  const timer = setTimeout(late, timeoutMs);
  const stop = () => clearTimeout(timer);
  socket.once('secureConnect', stop);
  outgoing.once('close', stop);
}

async function wholeAnswer(outgoing: ClientRequest, maxBytes: number): Promise<Fetched> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve).on('error', reject);
  });
  if (answer.statusCode !== 200) {
    answer.resume();
    return { ok: false, reason: `answered with ${answer.statusCode}` };
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) return { ok: false, reason: `answered with more than ${maxBytes} bytes` };
    chunks.push(chunk);
  }
  return { ok: true, body: Buffer.concat(chunks) };
}
