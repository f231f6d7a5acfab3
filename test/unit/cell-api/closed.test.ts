import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { hasClosed, onceClosed, type RawResponse } from '../../../src/cell-api/http/closed.ts';

let server: Server;
afterEach(() => void server.close());

async function listen(started: Server): Promise<number> {
  server = started.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** How often a listener is called that comes when the response has closed. */
function lateCalls(response: RawResponse): number {
  let calls = 0;
  onceClosed(response, () => {
    calls += 1;
  });
  return calls;
}

test('who listens after an HTTP/2 stream was reset is called at once', async () => {
  const { promise: responses, resolve } = Promise.withResolvers<http2.Http2ServerResponse>();
  const port = await listen(http2.createServer((_request, response) => resolve(response)));
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const stream = session.request({ ':path': '/' });
  stream.on('error', () => undefined);
  const response = await responses;
  expect(hasClosed(response)).toBe(false);
  stream.close(http2.constants.NGHTTP2_CANCEL);
  await once(response, 'close');
  expect([hasClosed(response), lateCalls(response)]).toEqual([true, 1]);
  session.destroy();
});

test('who listens after an HTTP/1.1 connection has closed is called at once', async () => {
  const { promise: responses, resolve } = Promise.withResolvers<http.ServerResponse>();
  const port = await listen(http.createServer((_request, response) => resolve(response)));
  const socket = connect(port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  const response = await responses;
  expect(hasClosed(response)).toBe(false);
  const closed = once(response, 'close');
  socket.destroy();
  await closed;
  expect([hasClosed(response), lateCalls(response)]).toEqual([true, 1]);
});
