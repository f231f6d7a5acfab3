import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { KubeRequest } from '../../../src/kube/client.ts';
import { fakeApi } from './support/fake-api.ts';
import { createRig, type Rig } from './support/rig.ts';

const NOBODY = { cert: '', key: '' };
/** Of pods, and of the API server; the loopback address itself is not limited. */
const [POD, OTHER, API_SERVER] = ['127.0.0.2', '127.0.0.3', '127.0.0.4'];
let rig: Rig;
let sockets: Socket[];

vi.setConfig({ testTimeout: 60_000 });

beforeEach(async () => {
  sockets = [];
  rig = await createRig({ host: '0.0.0.0' });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await rig.close();
});

/** How many of so many connections of an address are let in. */
async function letIn(localAddress: string, count: number): Promise<number> {
  const opened = Array.from({ length: count }, () => connect({ host: '127.0.0.1', port: rig.port, localAddress }));
  for (const socket of opened) sockets.push(socket.on('error', () => undefined).resume());
  await Promise.all(opened.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])));
  await new Promise((resolve) => setTimeout(resolve, 300));
  return opened.filter((socket) => !socket.destroyed && socket.readable).length;
}

async function statusOf(localAddress: string, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  return (await rig.get('/metrics', { ...NOBODY, localAddress, headers })).status;
}

const reviews = () => rig.api.requests.filter(({ path }) => path.endsWith('/tokenreviews')).length;

test('an address that was allowed nothing has 128 connections, and others have theirs', async () => {
  expect(await letIn(POD, 150)).toBe(128);
  expect(await letIn(OTHER, 10)).toBe(10);
  expect((await rig.get('/healthz', { localAddress: API_SERVER })).status).toBe(200);
});

test('an address that was allowed something has as many as it opens', async () => {
  expect((await rig.get('/healthz', { localAddress: API_SERVER })).status).toBe(200);
  expect(await letIn(API_SERVER, 400)).toBe(400);
});

test('made-up tokens of an address are reviewed 20 at once and 2 a second, and more get 429; others’ are reviewed', async () => {
  rig.api.tokens.set('good', { username: 'prometheus', groups: [] });
  rig.api.allowed.add('prometheus get metrics');
  const statuses: number[] = [];
  for (let i = 0; i < 40; i += 1) statuses.push(await statusOf(POD, `made-up-${i}`));
  expect(statuses.slice(0, 20)).toEqual(Array(20).fill(401));
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(10);
  expect(reviews()).toBeLessThan(30);
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
  const held = await createRig({ host: '0.0.0.0', client: slow });
  const ask = (index: number) => {
    const headers = { authorization: `Bearer made-up-${index}` };
    return held.get('/metrics', { ...NOBODY, localAddress: `127.0.1.${1 + (index % 5)}`, headers });
  };
  const statuses: number[] = [];
  const asked = Array.from({ length: 40 }, (_, index) => ask(index).then(({ status }) => statuses.push(status)));
  await expect.poll(() => statuses.length, { timeout: 20_000 }).toBe(24);
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
