import { once } from 'node:events';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { KubeResponse } from '../../../src/kube/client.ts';
import {
  FLAG,
  FRAME,
  frame,
  INITIAL_WINDOW_SIZE,
  RawHttp2,
  requestBlock,
  settings,
  word,
} from '../../fuzz/wire/frames.ts';
import { connectFrom as connectionsFrom, isOpen } from '../../support/connections.ts';
import { type Credentials, Harness, knownCell, NODE, NODES, over, pod, tick } from './harness.ts';

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
const STRATEGIC = 'application/strategic-merge-patch+json';
const { endHeaders, endStream } = FLAG;
let h: Harness;
let as: Credentials;
let sockets: Socket[];

// Thousands of requests and hundreds of handshakes take a while on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

beforeEach(async () => {
  h = new Harness();
  await h.start();
  as = await h.cell('a');
  sockets = [];
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await h.stop();
});

const target = () => ({ host: '127.0.0.1', port: h.port, ca: h.authority.caPem, ...as });

async function connectFrom(address: string, count: number): Promise<readonly Socket[]> {
  const opened = await connectionsFrom(address, h.port, count);
  sockets.push(...opened);
  return opened;
}

/** One more connection of an address is refused. */
async function refused(): Promise<void> {
  const before = await h.denials('connection-limit');
  const [socket] = await connectFrom('127.0.0.2', 1);
  await expect.poll(() => isOpen(socket as Socket)).toBe(false);
  expect(await h.denials('connection-limit')).toBe(before + 1);
}

async function connectAs(credentials: Credentials, count: number): Promise<readonly Socket[]> {
  const opened = Array.from({ length: count }, () => {
    const socket = connectTls({ ...target(), ...credentials, ALPNProtocols: ['http/1.1'] });
    socket.on('error', () => undefined).resume();
    sockets.push(socket);
    return socket;
  });
  await Promise.all(
    opened.map((socket) => Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]).catch(() => undefined)),
  );
  return opened;
}

async function watchOver(session: ClientHttp2Session) {
  const stream = session.request({
    ':path': `${LEASES}?watch=1&fieldSelector=metadata.name%3D${NODE}`,
    accept: 'application/json',
  });
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  return { status: headers[':status'], stream: stream.resume() };
}

test('a cell sends 1,000 requests at once; more get 429 with Retry-After, and then its connection is cut', async () => {
  h.clock.freeze();
  const session = h.session(as);
  const cut = new Promise<undefined>((resolve) => session.once('close', () => resolve(undefined)));
  const ask = () => Promise.race([over(session, '/healthz'), cut]).catch(() => undefined);
  const answers: (Awaited<ReturnType<typeof over>> | undefined)[] = [];
  for (let i = 0; i < 21; i += 1) answers.push(...(await Promise.all(Array.from({ length: 100 }, ask))));
  const of = (status: number) => answers.filter((answer) => answer?.status === status);
  expect([of(200).length, of(429).length]).toEqual([1_000, 1_000]);
  expect(of(429)[0]).toMatchObject({ headers: { 'retry-after': '1' }, body: { reason: 'TooManyRequests' } });
  await expect.poll(() => session.destroyed || session.closed).toBe(true);
  expect(await h.denials('request-rate')).toBeGreaterThan(1_000);
  expect((await h.request('/healthz', { as: await h.cell('b') })).status).toBe(200);
  h.clock.advance(1_000);
  expect((await h.request('/healthz', { as })).status).toBe(200);
});

test('a cell has 200 requests under way; one more is refused until some are answered', async () => {
  const claim = { name: 'v', persistentVolumeClaim: { claimName: 'data' } };
  await h.handedOver('a', pod('stateful', { spec: { volumes: [claim] } }));
  const { promise: answered, resolve: answer } = Promise.withResolvers<KubeResponse>();
  h.kube.intercept = ({ path }) => (path.endsWith('/data') ? answered : undefined);
  const session = h.session(as);
  const ask = () => over(session, '/api/v1/namespaces/default/persistentvolumeclaims/data');
  const under = Array.from({ length: 200 }, ask);
  const oneMore = await ask();
  expect([oneMore.status, oneMore.headers['retry-after'], await h.denials('limit')]).toEqual([429, '1', 1]);
  answer({ status: 200, contentType: 'application/json', body: Buffer.from('{}') });
  expect((await Promise.all(under)).map(({ status }) => status)).toEqual(Array(200).fill(200));
  expect((await ask()).status).toBe(200);
});

test('a cell has 1,000 watches; one more is refused, and another takes the place of one that ended', async () => {
  h.clock.freeze();
  const watches = [];
  for (let connection = 0; connection < 5; connection += 1) {
    h.clock.advance(10_000);
    const session = h.session(as);
    const opened = Array.from({ length: 200 }, () => watchOver(session));
    watches.push(...(await Promise.all(opened)));
  }
  h.clock.advance(10_000);
  expect(watches.map(({ status }) => status)).toEqual(Array(1_000).fill(200));
  const session = h.session(as);
  expect([(await watchOver(session)).status, await h.denials('limit')]).toEqual([429, 1]);
  watches[0]?.stream.close();
  await expect.poll(async () => (await watchOver(session)).status).toBe(200);
});

test('a cell has 32 connections, whether or not it asks for anything over them; another has its own', async () => {
  const opened = await connectAs(as, 40);
  await expect.poll(() => opened.filter(isOpen).length).toBe(32);
  expect(await h.denials('connection-limit')).toBe(8);
  expect((await h.request('/healthz', { as: await h.cell('b') })).status).toBe(200);
  for (const socket of opened) socket.destroy();
  await expect.poll(async () => (await h.request('/healthz', { as }).catch(() => undefined))?.status).toBe(200);
});

test('an address has 128 connections without a certificate, and the next ones are refused before their handshake', async () => {
  const opened = await connectFrom('127.0.0.2', 140);
  await expect.poll(() => opened.filter(isOpen).length).toBe(128);
  expect(await h.denials('connection-limit')).toBe(12);
  const [other] = await connectFrom('127.0.0.3', 1);
  await once(connectTls({ socket: other as Socket, ca: h.authority.caPem }), 'secureConnect');
});

test('a cell that has connected before it was known is no stranger any more from its first request on', async () => {
  h.book.complete = false;
  h.book.cells.clear();
  const [socket] = await connectFrom('127.0.0.2', 1);
  const early = connectTls({ socket: socket as Socket, ca: h.authority.caPem, ...as, ALPNProtocols: ['http/1.1'] });
  let text = '';
  early.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(early, 'secureConnect');
  await connectFrom('127.0.0.2', 127);
  await refused();
  h.book.cells.set('a', knownCell('a'));
  h.book.complete = true;
  await refused();
  early.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
  await expect.poll(() => text).toContain('200 OK');
  const [next] = await connectFrom('127.0.0.2', 1);
  await once(connectTls({ socket: next as Socket, ca: h.authority.caPem }), 'secureConnect');
});

test('a cell that sends without an end is cut, and kept out until it has made up for that', async () => {
  const [socket] = await connectFrom('127.0.0.4', 1);
  const tls = connectTls({ socket: socket as Socket, ca: h.authority.caPem, ...as, ALPNProtocols: ['http/1.1'] });
  tls.on('error', () => undefined).resume();
  await once(tls, 'secureConnect');
  h.clock.freeze();
  const closed = new Promise((resolve) => tls.once('close', () => resolve('cut')));
  const blank = Buffer.alloc(1024 * 1024, '\r\n');
  const drained = () => new Promise((resolve) => tls.once('drain', resolve));
  for (let i = 0; i < 500 && tls.writable; i += 1) if (!tls.write(blank)) await Promise.race([drained(), closed]);
  expect(await closed).toBe('cut');
  expect(await h.denials('receive-rate')).toBe(1);
  const again = async () => {
    const [next] = await connectFrom('127.0.0.5', 1);
    const cell = connectTls({ socket: next as Socket, ca: h.authority.caPem, ...as, ALPNProtocols: ['http/1.1'] });
    cell.on('error', () => undefined).resume();
    await once(cell, 'secureConnect');
    await Promise.race([once(cell, 'close'), tick(300)]);
    return isOpen(cell);
  };
  expect(await again()).toBe(false);
  expect(await h.denials('receive-rate')).toBe(2);
  h.clock.advance(600_000);
  expect(await again()).toBe(true);
});

test('a stream that is opened and reset over and over ends its connection', async () => {
  const raw = await RawHttp2.open(target());
  sockets.push(raw.socket);
  const block = requestBlock('GET', '/healthz');
  for (let i = 0; i < 60 && raw.open; i += 1) {
    const pairs = Array.from({ length: 50 }, (_, j) => {
      const stream = (i * 50 + j) * 2 + 1;
      return Buffer.concat([
        frame(FRAME.headers, endHeaders | endStream, stream, block),
        frame(FRAME.reset, 0, stream, word(8)),
      ]);
    });
    await raw.write(Buffer.concat(pairs));
  }
  await expect.poll(() => raw.open).toBe(false);
  expect((await h.request('/healthz', { as: await h.cell('b') })).status).toBe(200);
});

test('a client that leaves its acknowledgements unread loses its connection', async () => {
  const raw = await RawHttp2.open(target(), { reads: false });
  sockets.push(raw.socket);
  const pings = Buffer.concat(Array.from({ length: 1_000 }, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8))));
  for (let sent = 0; sent < 2_000 && (await raw.write(pings)); sent += 1);
  await expect.poll(() => raw.open).toBe(false);
});

test('pings that nobody has need of cost their connection, and no other', async () => {
  const denied = await h.denials('control-frames');
  const [flooder, other] = [await RawHttp2.open(target()), await RawHttp2.open(target())];
  sockets.push(flooder.socket, other.socket);
  const pings = (count: number) =>
    Buffer.concat(Array.from({ length: count }, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8))));
  for (let sent = 0; sent < 900; sent += 100) {
    await flooder.write(pings(100));
    await other.write(pings(100));
    await expect.poll(() => other.seen[FRAME.ping]).toBe(sent + 100);
  }
  expect(flooder.open).toBe(true);
  await flooder.write(pings(1_000));
  await expect.poll(() => flooder.open).toBe(false);
  expect(await h.denials('control-frames')).toBe(denied + 1);
  expect(other.open).toBe(true);
});

/** 400 answers of 250 kB that nobody reads, over several connections: Node lets none hold more than 10 MiB. */
async function askForMuch(path: string): Promise<readonly RawHttp2[]> {
  const slow: RawHttp2[] = [];
  for (let connection = 0; connection < 10; connection += 1) {
    const raw = await RawHttp2.open(target(), { first: settings({ [INITIAL_WINDOW_SIZE]: 0 }) });
    sockets.push(raw.socket);
    slow.push(raw);
    for (let i = 0; i < 40; i += 1) {
      await raw.write(frame(FRAME.headers, endHeaders | endStream, i * 2 + 1, requestBlock('GET', path)));
    }
  }
  return slow;
}

async function writeLargeLease(): Promise<void> {
  const body = {
    metadata: { name: NODE, namespace: 'kube-node-lease' },
    spec: { holderIdentity: 'x'.repeat(250_000) },
  };
  expect((await h.request(`${LEASES}/${NODE}`, { method: 'PUT', as, body })).status).toBe(200);
}

test('answers that a cell does not read are held to 64 MiB, and are given back with their connection', async () => {
  await writeLargeLease();
  const slow = await askForMuch(`${LEASES}/${NODE}`);
  await expect.poll(() => h.denials('slow-reader')).toBeGreaterThan(50);
  expect((await h.request(`${LEASES}/${NODE}`, { as })).status).toBe(429);
  for (const raw of slow) raw.close();
  await expect.poll(async () => (await h.request(`${LEASES}/${NODE}`, { as })).status).toBe(200);
});

test('watches that a cell does not read are ended at 64 MiB together', async () => {
  await writeLargeLease();
  const path = `${LEASES}?watch=1&fieldSelector=metadata.name%3D${NODE}`;
  const slow = await askForMuch(path);
  await expect.poll(() => h.denials('slow-reader')).toBeGreaterThan(50);
  expect(await h.metric('nodeless_cell_api_watches', {})).toBeLessThan(300);
  for (const raw of slow) raw.close();
  await expect.poll(() => h.metric('nodeless_cell_api_watches', {})).toBe(0);
});

test.each([
  ['nested deeply', `{"status":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
  ['with a prototype', '{"__proto__":{"admin":true},"status":{}}'],
  ['with a prototype in disguise', '{"a":[{"\\u005f_proto__":{}}]}'],
  ['that is cut off', '{"status":{'],
])('a body %s is refused as one that can’t be read', async (_what, body) => {
  const answer = await h.request(`${NODES}/${NODE}/status`, { method: 'PATCH', as, body, contentType: STRATEGIC });
  expect([answer.status, answer.body.reason]).toEqual([400, 'BadRequest']);
});

test('a label selector of thousands of terms is refused, since each is matched with every object', async () => {
  const ask = (terms: number) => h.request(`/api/v1/services?labelSelector=${'a,'.repeat(terms)}a`, { as });
  expect([(await ask(400)).status, (await ask(600)).status]).toEqual([200, 400]);
});
