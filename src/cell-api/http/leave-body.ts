import type { ServerHttp2Stream } from 'node:http2';
import type { Request, Response } from './app.ts';

const END_GRACE_MS = 1_000;

/**
 * Makes the answer the end of a body that was not read to its end. Over HTTP/2 a client gets a while to end the stream
 * itself, since Go takes a reset that overtakes the answer for a failure; streams never read are ended by Node.
 */
export function leaveBody({ raw, headers }: Request, response: Response): void {
  const stream = raw.stream as ServerHttp2Stream | undefined;
  if (stream?.session !== undefined) {
    stream.once('finish', () => setTimeout(() => stream.close(), END_GRACE_MS).unref());
  } else if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) {
    response.header('connection', 'close');
  }
}
