import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { messageOf } from '../core/errors.ts';
import type { CellClient } from './cell-client.ts';
import { answerHeaders, switchingHead } from './headers.ts';
import { isAcceptable, NO_ANSWER, type ProxyCall } from './proxy.ts';
import { closeWith, splice } from './sockets.ts';
import type { Streams } from './streams.ts';

export interface UpgradeCall extends ProxyCall {
  /** Called once with the status that the caller got. */
  readonly answered: (status: number) => void;
}

/** A connection whose request asked for an upgrade, and what was read beyond that request. */
export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
}

/** How long a kubelet may take to prepare an exec; the CRI allows two minutes for most calls. */
const ANSWER_TIMEOUT_MS = 120_000;
const REFUSAL_TIMEOUT_MS = 10_000;
/** A kubelet's refusal is a line of text. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/**
 * Passes an upgrade (SPDY/3.1, WebSocket) to a cell. The caller's bytes go on only after the cell has answered 101:
 * before that they could be a second request, which nobody has authorized. From then on both directions are piped
 * as they are. Any other answer is passed back, and ends the connection.
 */
export function proxyUpgrade(client: CellClient, streams: Streams, upgrade: UpgradeRequest, call: UpgradeCall): void {
  const { request, socket, head } = upgrade;
  const { method = 'GET', rawHeaders } = request;
  const outgoing = client.open(call.cell, { method, target: call.target, rawHeaders, upgrade: true });
  const closed = streams.opened(() => socket.destroy());
  const timer = setTimeout(() => outgoing.destroy(new Error('no answer in time')), ANSWER_TIMEOUT_MS);
  let settled = false;
  const settle = () => {
    settled = true;
    clearTimeout(timer);
  };
  socket.once('close', () => {
    settle();
    closed();
    outgoing.destroy();
  });

  outgoing.on('error', (error) => {
    if (settled) return;
    settle();
    call.failed(messageOf(error));
    call.answered(502);
    closeWith(socket, 502, `${NO_ANSWER}: ${messageOf(error)}\n`);
  });
  outgoing.once('upgrade', (answer, upstream, upstreamHead) => {
    settle();
    if (socket.destroyed) {
      upstream.destroy();
      return;
    }
    call.answered(101);
    socket.write(switchingHead(answer.statusMessage ?? '', answer.rawHeaders), 'latin1');
    if (upstreamHead.length > 0) socket.write(upstreamHead);
    if (head.length > 0) upstream.write(head);
    splice(socket, upstream as Socket);
  });
  outgoing.once('response', (answer) => {
    settle();
    const status = answer.statusCode;
    if (!isAcceptable(status)) {
      outgoing.destroy();
      call.answered(502);
      closeWith(socket, 502, `${NO_ANSWER}: unexpected status ${status}\n`);
      return;
    }
    call.answered(status);
    passRefusal(answer, status, socket);
  });
  outgoing.end();
}

/** The cell's own refusal, delimited by the end of the connection, read no faster than the caller does, and no further than its limit. */
function passRefusal(answer: IncomingMessage, status: number, socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), REFUSAL_TIMEOUT_MS);
  socket.once('close', () => clearTimeout(timer));
  const headers = [...answerHeaders(answer.rawHeaders), 'Connection', 'close'];
  const lines = headers.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`));
  socket.write(`HTTP/1.1 ${status} ${answer.statusMessage ?? ''}\r\n${lines.join('')}\r\n`, 'latin1');
  answer.on('error', () => socket.destroy());
  answer.on('end', () => socket.destroySoon());
  answer.pipe(socket, { end: false });
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= MAX_REFUSAL_BYTES) return;
    answer.unpipe(socket).pause();
    socket.destroySoon();
  });
}
