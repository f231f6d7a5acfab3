import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { KubeRequest } from '../../../src/kube/client.ts';
import { connectFrom, isOpen } from '../../support/connections.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { fakeApi } from './support/fake-api.ts';
import { createRig, type Rig } from './support/rig.ts';

const NOBODY = { cert: '', key: '' };
/** Of pods, and of the API server; the loopback address itself is not limited. */
const [POD, OTHER, API_SERVER] = ['127.0.0.2', '127.0.0.3', '127.0.0.4'];
let rig: Rig;
let clock: ManualClock;
let sockets: Socket[];

vi.setConfig({ testTimeout: 60_000 });

beforeEach(async () => {
  sockets = [];
  clock = manualClock(Date.now());
  rig = await createRig({ host: '0.0.0.0', clock });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await rig.close();
});

/** So many connections of an address, when each has been let in or not. */
async function connected(localAddress: string, count: number): Promise<() => number> {
  const opened = await connectFrom(localAddress, rig.port, count);
  sockets.push(...opened);
  // Connections are taken in turn: whose comes after theirs is answered after them.
  await rig.get('/healthz');
  return () => opened.filter(isOpen).length;
}

async function statusOf(localAddress: string, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  return (await rig.get('/metrics', { ...NOBODY, localAddress, headers })).status;
}

const reviews = () => rig.api.requests.filter(({ path }) => path.endsWith('/tokenreviews')).length;

test('an address that was allowed nothing has 128 connections, and others have theirs', async () => {
  await expect.poll(await connected(POD, 150)).toBe(128);
  await expect.poll(await connected(OTHER, 10)).toBe(10);
  expect((await rig.get('/healthz', { localAddress: API_SERVER })).status).toBe(200);
});

test('an address that was allowed something has as many as it opens', async () => {
  expect((await rig.get('/healthz', { localAddress: API_SERVER })).status).toBe(200);
  await expect.poll(await connected(API_SERVER, 400)).toBe(400);
});

test('made-up tokens of an address are reviewed 20 at once and 2 a second, and more get 429; others’ are reviewed', async () => {
  rig.api.tokens.set('good', { username: 'prometheus', groups: [] });
  rig.api.allowed.add('prometheus get metrics');
  const statuses: number[] = [];
  for (let i = 0; i < 40; i += 1) statuses.push(await statusOf(POD, `made-up-${i}`));
  expect(statuses).toEqual([...Array(20).fill(401), ...Array(20).fill(429)]);
  expect(reviews()).toBe(20);
  await clock.pass(1_000);
  const later: number[] = [];
  for (let i = 0; i < 3; i += 1) later.push(await statusOf(POD, `later-${i}`));
  expect([later, reviews()]).toEqual([[401, 401, 429], 22]);
  expect(await statusOf(OTHER, 'good')).toBe(200);
});

test('16 reviews of tokens are under way at the most, whoever asks', async () => {
  const answered = Promise.withResolvers<void>();
  const { client } = fakeApi();
  let underWay = 0;
  const slow = {
    ...client,
    async request(request: KubeRequest) {
      underWay += 1;
      await answered.promise;
      return client.request(request);
    },
  };
  const held = await createRig({ host: '0.0.0.0', client: slow, clock });
  const ask = (index: number) => {
    const headers = { authorization: `Bearer made-up-${index}` };
    return held.get('/metrics', { ...NOBODY, localAddress: `127.0.1.${1 + (index % 5)}`, headers });
  };
  const statuses: number[] = [];
  const asked = Array.from({ length: 40 }, (_, index) => ask(index).then(({ status }) => statuses.push(status)));
  await expect.poll(() => statuses.length).toBe(24);
  expect(new Set(statuses)).toEqual(new Set([429]));
  answered.resolve();
  await Promise.all(asked);
  expect(statuses.slice(24)).toEqual(Array(16).fill(401));
  expect(underWay).toBe(16);
  await held.close();
});

test('who is refused over and over on one connection is cut', async () => {
  const socket = connect({ host: '127.0.0.1', port: rig.port, localAddress: POD });
  sockets.push(socket);
  const tls = connectTls({ socket, rejectUnauthorized: false });
  tls.on('error', () => undefined);
  await once(tls, 'secureConnect');
  let text = '';
  tls.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  tls.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(300));
  await once(tls, 'close');
  expect(text.split('401 Unauthorized').length - 1).toBeLessThan(150);
  expect((await rig.get('/healthz', { localAddress: API_SERVER })).status).toBe(200);
});
