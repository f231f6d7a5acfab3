import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import {
  CONNECT_TIMEOUT_MS,
  GIVEN_UP,
  MAX_REPLY_BYTES,
  REPLY_TIMEOUT_MS,
  type Wire,
  type WireReply,
  type WireRequest,
  type WireTarget,
} from './reply.ts';

/** The request's bytes; only where it has no length of its own is one added. */
export function bytesOf(host: string, { method, url, headers, body }: WireRequest): Buffer {
  const names = new Set(headers.map(([name]) => name.trim().toLowerCase()));
  const lines = [
    `${method} ${url} HTTP/1.1`,
    ...(names.has('host') ? [] : [`host: ${host}`]),
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined || names.has('content-length') || names.has('transfer-encoding')
      ? []
      : [`content-length: ${body.length}`]),
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body ?? Buffer.alloc(0)]);
}

/** How far one answer goes, or undefined while it is not whole. */
export function wholeAnswer(
  text: string,
  method: string,
): { end: number; keepsAlive: boolean; status: number } | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = text.slice(0, headEnd).toLowerCase();
  const status = Number(/^http\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
  const start = headEnd + 4;
  const keepsAlive = !/\r\nconnection: *close/.test(head);
  const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1];
  if (method === 'HEAD' || status === 204 || status === 304) return { end: start, keepsAlive, status };
  if (length !== undefined) {
    const end = start + Number(length);
    return text.length >= end ? { end, keepsAlive, status } : undefined;
  }
  if (!head.includes('transfer-encoding: chunked')) return undefined;
  const last = text.indexOf('\r\n0\r\n\r\n', start - 2);
  return last < 0 ? undefined : { end: last + 7, keepsAlive, status };
}

export async function openTls({ host, port, ...tls }: WireTarget, protocol: 'http/1.1' | 'h2'): Promise<TLSSocket> {
  const socket = connect({ host, port, ...tls, rejectUnauthorized: false, ALPNProtocols: [protocol] });
  socket.on('error', () => undefined);
  const late = setTimeout(() => socket.destroy(), CONNECT_TIMEOUT_MS);
  await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]).catch(() => undefined);
  clearTimeout(late);
  return socket;
}

/** Sends bytes and reads: one answer when the socket is to be used again, else until nothing more comes. */
function exchange(
  socket: TLSSocket,
  bytes: Buffer,
  options: { method: string; idleMs?: number },
): Promise<WireReply & { keepsAlive: boolean }> {
  return new Promise((resolve) => {
    let text = '';
    let idle: NodeJS.Timeout | undefined;
    let late = false;
    const settle = (keepsAlive: boolean) => {
      clearTimeout(timer);
      clearTimeout(idle);
      socket.off('data', take).off('close', closed);
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
      resolve({ status, text: late && text === '' ? GIVEN_UP : text, keepsAlive });
    };
    const closed = () => settle(false);
    const take = (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.length > MAX_REPLY_BYTES) return settle(false);
      if (options.idleMs !== undefined) {
        clearTimeout(idle);
        idle = setTimeout(closed, options.idleMs);
        return undefined;
      }
      const whole = wholeAnswer(text, options.method);
      if (whole !== undefined) settle(whole.keepsAlive && whole.end === text.length);
      return undefined;
    };
    const giveUp = () => {
      late = options.idleMs === undefined;
      closed();
    };
    const timer = setTimeout(giveUp, options.idleMs === undefined ? REPLY_TIMEOUT_MS : 3_000);
    socket.on('data', take).on('close', closed);
    if (socket.destroyed) closed();
    else socket.write(bytes);
  });
}

/** One request at a time over a kept connection of HTTP/1.1. */
export function http1Wire(target: WireTarget, mayConnect: () => Promise<void>): Wire {
  let socket: TLSSocket | undefined;
  return {
    async send(request) {
      if (socket === undefined || socket.destroyed) {
        await mayConnect();
        socket = await openTls(target, 'http/1.1');
      }
      const reply = await exchange(socket, bytesOf(target.host, request), request);
      if (!reply.keepsAlive) {
        socket.destroy();
        socket = undefined;
      }
      return reply;
    },
    close: () => socket?.destroy(),
  };
}

/** Each request over a connection of its own, with one for a canary behind it; all that comes back is read. */
export function rawWire(target: WireTarget, mayConnect: () => Promise<void>, behind: () => WireRequest): Wire {
  return {
    async send(request) {
      await mayConnect();
      const socket = await openTls(target, 'http/1.1');
      const bytes = Buffer.concat([bytesOf(target.host, request), bytesOf(target.host, behind())]);
      const reply = await exchange(socket, bytes, { method: request.method, idleMs: 150 });
      socket.destroy();
      return reply;
    },
    close: () => undefined,
  };
}
