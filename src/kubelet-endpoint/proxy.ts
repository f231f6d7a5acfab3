import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf } from '../core/errors.ts';
import type { CellClient } from './cell-client.ts';
import { answerHeaders } from './headers.ts';
import type { CellAddress } from './ports.ts';
import type { Streams } from './streams.ts';

/** One request that a cell's kubelet is to answer. */
export interface ProxyCall {
  readonly cell: CellAddress;
  /** Path and query for the cell. */
  readonly target: string;
  /** Called with what went wrong, for the log. */
  readonly failed: (reason: string) => void;
}

export const NO_ANSWER = 'the cell of this pod does not answer';

/** A kubelet neither redirects nor upgrades what was not asked to be: a cell that does is not to be followed. */
export function isAcceptable(status: number | undefined): status is number {
  return status !== undefined && status >= 200 && (status < 300 || status >= 400);
}

/**
 * Passes a request without upgrade to a cell, and its answer back as it is written. No deadline but for connecting:
 * a kubelet sends the head of `logs -f` with the first line. Either side's end ends the other.
 */
export function proxyRequest(
  client: CellClient,
  streams: Streams,
  request: IncomingMessage,
  response: ServerResponse,
  call: ProxyCall,
): void {
  const { method = 'GET', rawHeaders } = request;
  const outgoing = client.open(call.cell, { method, target: call.target, rawHeaders, upgrade: false });
  const closed = streams.opened(() => response.destroy());
  response.once('close', () => {
    closed();
    outgoing.destroy();
  });
  request.resume();

  function refuse(reason: string): void {
    if (response.destroyed) return;
    call.failed(reason);
    if (response.headersSent) {
      // The caller must see that the answer is cut off, not that it ended.
      response.destroy();
      return;
    }
    response.writeHead(502, { 'content-type': 'text/plain; charset=utf-8' }).end(`${NO_ANSWER}: ${reason}\n`);
  }

  outgoing.on('error', (error) => refuse(messageOf(error)));
  outgoing.once('response', (answer) => {
    const status = answer.statusCode;
    if (!isAcceptable(status)) {
      outgoing.destroy();
      refuse(`unexpected status ${status}`);
      return;
    }
    response.writeHead(status, answerHeaders(answer.rawHeaders));
    response.flushHeaders();
    answer.on('error', (error) => refuse(messageOf(error)));
    // Not in one TLS record with the last bytes: to a caller by WebSocket the API server drops what it reads together with
    // the end (wsstream's messageCopy).
    answer.once('end', () => setImmediate(() => response.end()));
    answer.pipe(response, { end: false });
  });
  outgoing.end();
}
