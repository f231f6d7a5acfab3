/** Node's own HTTP/2 server over TLS in the process that is measured, with nothing of ours: some answers stay open, others are long. */
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';

/** What the parent sends first. */
export interface ServerOrder {
  readonly cert: string;
  readonly key: string;
}

/** What it is asked for: nothing, a part of an answer that stays open, or so many bytes. */
export const PATHS = { nothing: '/nothing', open: '/open', long: '/long' };
const EVENT = Buffer.alloc(500, 'x');

function answer(stream: ServerHttp2Stream, path: string | undefined, long: Buffer): void {
  stream.on('error', () => undefined);
  stream.respond({ ':status': 200 });
  if (path === PATHS.open) stream.write(EVENT);
  else stream.end(path === PATHS.long ? long : '');
}

/** Bytes of a list of 500 Services and 5,000 endpoints, about. */
export const LONG_BYTES = 2_000_000;

if (process.send !== undefined) {
  process.once('message', (order: ServerOrder) => {
    const long = Buffer.alloc(LONG_BYTES, 'y');
    const server = createSecureServer({ ...order, settings: { enablePush: false } });
    server.on('stream', (stream, headers) => answer(stream, headers[':path'], long));
    server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
    process.on('message', () => {
      globalThis.gc?.();
      process.send?.(process.memoryUsage().rss);
    });
  });
  process.once('disconnect', () => process.exit(0));
}
