import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2';
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

function outgoing({ method, url, headers }: WireRequest): OutgoingHttpHeaders {
  const result: OutgoingHttpHeaders = { ':method': method, ':path': url };
  for (const [name, value] of headers) {
    const before = result[name];
    // Some headers may not come twice, says Node's client; the raw wire sends those.
    if (before === undefined || !name.startsWith('x-')) result[name] = value;
    else result[name] = [...(Array.isArray(before) ? before : [String(before)]), value];
  }
  return result;
}

function exchange(session: ClientHttp2Session, request: WireRequest): Promise<WireReply> {
  return new Promise((resolve) => {
    let status = 0;
    let text = '';
    const stream = session.request(outgoing(request), { endStream: request.body === undefined });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      stream.close(constants.NGHTTP2_CANCEL);
    }, REPLY_TIMEOUT_MS);
    stream.on('response', (headers) => {
      status = Number(headers[':status'] ?? 0);
      text += JSON.stringify(headers);
    });
    stream.on('trailers', (headers) => {
      text += JSON.stringify(headers);
    });
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.length > MAX_REPLY_BYTES) stream.close(constants.NGHTTP2_CANCEL);
    });
    stream.on('error', () => undefined);
    stream.on('close', () => {
      clearTimeout(timer);
      resolve({ status, text: status !== 0 ? text : late ? GIVEN_UP : `reset ${stream.rstCode}` });
    });
    if (request.body !== undefined) stream.end(request.body);
  });
}

/** Many requests at once over one HTTP/2 connection, which is made anew when it was closed. */
export function http2Wire({ host, port, ...tls }: WireTarget, mayConnect: () => Promise<void>): Wire {
  let session: Promise<ClientHttp2Session> | undefined;

  async function open(): Promise<ClientHttp2Session> {
    await mayConnect();
    const opened = connect(`https://${host}:${port}`, { ...tls, rejectUnauthorized: false });
    opened.on('error', () => undefined);
    const late = setTimeout(() => opened.destroy(), CONNECT_TIMEOUT_MS);
    opened.once('connect', () => clearTimeout(late)).once('close', () => clearTimeout(late));
    const forget = () => {
      session = undefined;
    };
    opened.once('close', forget).once('goaway', forget);
    return opened;
  }

  return {
    async send(request) {
      session ??= open();
      const present = await session;
      try {
        return await exchange(present, request);
      } catch (error) {
        // Node's client would not send it, or the connection has just closed.
        if (present.closed || present.destroyed) session = undefined;
        return { status: 0, text: String((error as NodeJS.ErrnoException).code) };
      }
    },
    close() {
      void session?.then((opened) => opened.destroy());
    },
  };
}
