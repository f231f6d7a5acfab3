import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';

export type RawResponse = ServerResponse | Http2ServerResponse;

/** True when nobody can read a response any more. */
export function hasClosed(response: RawResponse): boolean {
  if ('stream' in response) return response.stream?.destroyed ?? true;
  return response.closed || response.destroyed;
}

/** Calls back once when a response has closed, and at once where it has: it may be reset before anybody listens. */
export function onceClosed(response: RawResponse, listener: () => void): void {
  if (hasClosed(response)) listener();
  else response.once('close', listener);
}
