import { once } from 'node:events';
import type http2 from 'node:http2';
import https from 'node:https';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Credentials, CSRS, csrObject, Harness, knownCell, makeCsr, NODE, NODES, over } from './harness.ts';

const STRATEGIC = 'application/strategic-merge-patch+json';
const EVENTS = '/api/v1/namespaces/default/events';
const MIB = 1024 * 1024;
let h: Harness;
let as: Credentials;

beforeEach(async () => {
  h = new Harness();
  await h.start();
  as = await h.cell('a');
});
afterEach(() => h.stop());

const patch = (body: object) =>
  h.request(`${NODES}/${NODE}/status`, { method: 'PATCH', as, body, contentType: STRATEGIC });

/** A POST whose body is begun and never ended; its answer, and whether the server ended the stream by itself. */
function unending(session: http2.ClientHttp2Session, path: string, headers: http2.OutgoingHttpHeaders = {}) {
  const stream = session.request({ ':path': path, ':method': 'POST', 'content-type': 'application/json', ...headers });
  stream.on('error', () => undefined);
  const closed = once(stream, 'close');
  const status = once(stream, 'response').then(([answer]) => Number((answer as http2.IncomingHttpHeaders)[':status']));
  stream.resume();
  return { stream, status, closed };
}

test('one cell’s annotations and labels together are held to 256 KiB, whatever the number of patches', async () => {
  const statuses: number[] = [];
  for (let i = 0; i < 6; i += 1) {
    const values = { [`k${i}`]: 'x'.repeat(60_000) };
    statuses.push((await patch({ metadata: i % 2 === 0 ? { annotations: values } : { labels: values } })).status);
  }
  expect(statuses).toEqual([200, 200, 200, 200, 422, 422]);
  expect((await patch({ metadata: { annotations: { big: 'x'.repeat(1_900_000) } } })).body).toMatchObject({
    kind: 'Status',
    reason: 'Invalid',
  });
  expect(await h.denials('limit')).toBe(3);
  const { body } = await h.request(`${NODES}/${NODE}`, { as });
  expect(Object.keys(body.metadata.annotations)).toEqual(['k0', 'k2']);
});

test('a refused patch leaves nothing of itself behind', async () => {
  const annotations = Object.fromEntries(Array.from({ length: 201 }, (_, i) => [`k${i}`, '']));
  expect((await patch({ metadata: { labels: { mine: 'x' }, annotations }, status: { phase: 'x' } })).status).toBe(422);
  const { body } = await h.request(`${NODES}/${NODE}`, { as });
  expect(body.metadata.labels.mine).toBeUndefined();
  expect(body.status.phase).toBeUndefined();
});

test('a node status over 256 KiB is refused, and the last good one stays', async () => {
  expect((await patch({ status: { nodeInfo: { kubeletVersion: 'v1' } } })).status).toBe(200);
  expect((await patch({ status: { images: [{ names: ['x'.repeat(300_000)] }] } })).status).toBe(422);
  const whole = { metadata: { name: NODE }, status: { x: 'x'.repeat(300_000) } };
  expect((await h.request(`${NODES}/${NODE}`, { method: 'PUT', as, body: whole })).status).toBe(422);
  const { body } = await h.request(`${NODES}/${NODE}`, { as });
  expect(body.status.nodeInfo.kubeletVersion).toBe('v1');
  expect(await h.denials('limit')).toBe(2);
});

test('what is absorbed for a cell is bounded too', async () => {
  const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
  const body = { metadata: { name: NODE }, spec: { holderIdentity: 'x'.repeat(300_000) } };
  expect((await h.request(LEASES, { method: 'POST', as, body })).status).toBe(422);
  expect((await h.request(`${LEASES}/${NODE}`, { as })).status).toBe(404);
  expect(await h.denials('limit')).toBe(1);
});

test('strangers get their 401 before their body is read, and their stream is ended', async () => {
  for (const headers of [{}, { authorization: 'Bearer some-token' }]) {
    const { status, closed } = unending(h.session(), EVENTS, headers);
    expect(await status).toBe(headers.authorization === undefined ? 401 : 403);
    await closed;
  }
  const { status } = unending(h.session(), CSRS);
  expect(await status).toBe(401);
  expect(await h.denials('no-credentials')).toBe(2);
});

test('over HTTP/1.1 a stranger is answered before its body is read, and cut off', async () => {
  const request = https.request({
    host: '127.0.0.1',
    port: h.port,
    path: EVENTS,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    ca: h.authority.caPem,
  });
  request.on('error', () => undefined);
  const closed = new Promise((resolve) => request.once('socket', (socket) => socket.once('close', resolve)));
  request.write('{"x":"');
  const [answer] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
  answer.resume();
  expect(answer.statusCode).toBe(401);
  expect(answer.headers.connection).toBe('close');
  await closed;
});

test('a signing request is read up to 64 KiB, and a stranger’s up to 16 KiB', async () => {
  h.book.cells.set('a', knownCell('a'));
  h.attest = async () => ({ outcome: 'accepted', cellId: 'a' });
  const body = csrObject((await makeCsr()).csr);
  expect((await h.request(CSRS, { method: 'POST', token: 'good-token', body })).status).toBe(201);
  const padded = async (who: object, length: number) => {
    const large = { ...body, padding: 'x'.repeat(length) };
    return (await h.request(CSRS, { method: 'POST', ...who, body: large })).status;
  };
  expect([await padded({ token: 'good-token' }, 12_000), await padded({ token: 'good-token' }, 17_000)]).toEqual([
    201, 413,
  ]);
  expect([await padded({ as }, 60_000), await padded({ as }, 70_000)]).toEqual([201, 413]);
  expect(await h.denials('limit')).toBe(2);
});

test('strangers of one address hold 256 KiB of signing requests, and keep a cell’s own from nobody', async () => {
  const held = Array.from({ length: 20 }, () => {
    const one = unending(h.session(), CSRS, { authorization: 'Bearer some-token' });
    one.stream.write(Buffer.alloc(15_000, 'x'));
    return one;
  });
  expect(await Promise.race(held.map(({ status }) => status))).toBe(429);
  const body = csrObject((await makeCsr()).csr);
  expect((await h.request(CSRS, { method: 'POST', as, body })).status).toBe(201);
  for (const { stream } of held) stream.destroy();
});

test('a body over its limit is left unread and its stream ended, declared or not', async () => {
  const declared = unending(h.session(as), EVENTS, { 'content-length': 3 * MIB });
  expect(await declared.status).toBe(413);
  await declared.closed;
  const undeclared = unending(h.session(as), EVENTS);
  undeclared.stream.write(Buffer.alloc(3 * MIB, 'x'));
  expect(await undeclared.status).toBe(413);
  await expect.poll(() => undeclared.stream.closed, { timeout: 3_000 }).toBe(true);
  expect(await h.denials('limit')).toBe(2);
});

test('the bodies of one cell are bounded together, do not concern others, and are given back', async () => {
  const session = h.session(as);
  const held = Array.from({ length: 5 }, () => {
    const one = unending(session, EVENTS);
    one.stream.write(Buffer.alloc(1.9 * MIB, 'x'));
    return one;
  });
  expect(await Promise.race(held.map(({ status }) => status))).toBe(429);
  const lease = { metadata: { name: NODE }, spec: {} };
  const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
  const other = await h.cell('b');
  expect((await h.request(LEASES, { method: 'POST', as: other, body: lease })).status).toBe(201);
  for (const { stream } of held) stream.destroy();
  // Read whole, and then too large for an event.
  await expect
    .poll(async () => (await over(session, EVENTS, { method: 'POST', body: { x: 'x'.repeat(MIB) } })).status)
    .toBe(413);
  const all = await Promise.all(
    Array.from({ length: 4 }, () => over(session, EVENTS, { method: 'POST', body: { x: 'x'.repeat(1.5 * MIB) } })),
  );
  expect(all.map(({ status }) => status)).toEqual([413, 413, 413, 413]);
});

test('a connection without a certificate has few streams', async () => {
  const stranger = h.session();
  const cell = h.session(as);
  await expect.poll(() => stranger.remoteSettings.maxConcurrentStreams).toBe(16);
  await over(cell, '/healthz');
  expect(cell.remoteSettings.maxConcurrentStreams).toBe(250);
});
