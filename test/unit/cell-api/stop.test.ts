import { once } from 'node:events';
import { createConnection } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Harness, NODE, NODES, over, tick } from './harness.ts';

let h: Harness;
afterEach(() => h.stop());

/** True while somebody listens on the port. */
function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

test('a second stop waits for the first: after either nothing listens any more', async () => {
  h = new Harness();
  await h.start();
  const as = await h.cell('a');
  // An open connection holds the listener up.
  const session = h.session(as);
  await over(session, `${NODES}/${NODE}`);
  let first = false;
  void h.stopApi().then(() => {
    first = true;
  });
  await h.stopApi();
  await tick(0);
  expect(first).toBe(true);
  expect(await listens(h.port)).toBe(false);
});

test('a connection that has not begun its handshake does not hold up the stop', async () => {
  h = new Harness();
  await h.start();
  const sockets = ['127.0.0.1', '127.0.0.2'].map((localAddress) => {
    const socket = createConnection({ host: '127.0.0.1', port: h.port, localAddress });
    return socket.on('error', () => undefined);
  });
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  // A server accepts in its own time.
  await h.request(`${NODES}/${NODE}`, { as: await h.cell('a') });
  const ended = Promise.all(sockets.map((socket) => once(socket.resume(), 'close')));
  const startedMs = performance.now();
  await h.stopApi();
  expect(performance.now() - startedMs).toBeLessThan(2_500);
  await ended;
  expect(await listens(h.port)).toBe(false);
});

test('one that is stopped while it starts does not listen', async () => {
  h = new Harness();
  h.onCreated = () => queueMicrotask(() => void h.stopApi());
  await h.start();
  expect(await listens(h.port)).toBe(false);
});
