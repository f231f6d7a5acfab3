import { once } from 'node:events';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { KubeResponse } from '../../../src/kube/client.ts';
import { type Answer, type Credentials, Harness, NODE, NODES, over, pod, podsPath, withStatus } from './harness.ts';

const LEASE = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${NODE}`;
const SERVICES = '/api/v1/services';
const CLAIM = '/api/v1/namespaces/default/persistentvolumeclaims/data';
const STRATEGIC = 'application/strategic-merge-patch+json';
let h: Harness;
let as: Credentials;
let session: ClientHttp2Session;

// Hundreds of megabytes pass here.
vi.setConfig({ testTimeout: 120_000 });

beforeEach(async () => {
  h = new Harness();
  await h.start();
  as = await h.cell('a');
  session = h.session(as);
});
afterEach(() => h.stop());

async function inTurns(count: number, ask: () => Promise<Answer>): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  while (answers.length < count) {
    answers.push(...(await Promise.all(Array.from({ length: Math.min(50, count - answers.length) }, ask))));
  }
  return answers;
}

test('a request is under way before its body is here: 200 bodies that drip leave no room for another', async () => {
  const headers = { ':path': `${NODES}/${NODE}/status`, ':method': 'PATCH', 'content-type': STRATEGIC };
  const dripping = Array.from({ length: 200 }, () => {
    const stream = session.request(headers, { endStream: false });
    stream.on('error', () => undefined).write('{');
    return stream;
  });
  await expect.poll(async () => (await over(session, '/healthz')).status).toBe(429);
  expect((await h.request('/healthz', { as })).headers['retry-after']).toBe('1');
  expect((await h.request('/healthz', { as: await h.cell('b') })).status).toBe(200);
  for (const stream of dripping.slice(0, 10)) stream.close();
  await expect.poll(async () => (await over(session, '/healthz')).status).toBe(200);
});

test('a cell is sent 128 MiB at once and 8 MiB a second; beyond that it reads nothing new, and writes all the same', async () => {
  const spec = { holderIdentity: 'x'.repeat(250_000) };
  const put = () => over(session, LEASE, { method: 'PUT', body: { metadata: { name: NODE }, spec } });
  expect((await put()).status).toBe(200);
  h.clock.freeze();
  const answers = await inTurns(650, () => over(session, LEASE));
  expect(withStatus(answers, 200)).toBeGreaterThan(500);
  expect(withStatus(answers, 429)).toBeGreaterThan(50);
  expect(await h.denials('sent-rate')).toBe(withStatus(answers, 429));
  expect((await put()).status).toBe(200);
  expect((await h.request(SERVICES, { as: await h.cell('b') })).status).toBe(200);
  h.clock.advance(10_000);
  expect((await over(session, LEASE)).status).toBe(200);
});

test('what a watch is sent counts as well', async () => {
  const large = { ...pod('mine'), status: { message: 'x'.repeat(2 ** 20) } };
  await h.handedOver('a', large);
  const path = `${podsPath()}/mine`;
  h.clock.freeze();
  expect(withStatus(await inTurns(120, () => over(session, path)), 200)).toBe(120);
  const watch = await h.watch(`/api/v1/pods?fieldSelector=spec.nodeName%3D${NODE}&watch=true`, as);
  for (let sent = 1; sent <= 12; sent += 1) {
    await expect.poll(() => watch.events.length, { interval: 5 }).toBe(sent);
    h.kube.put(podsPath(), large);
  }
  await expect.poll(() => watch.events.length).toBe(13);
  expect((await over(session, path)).status).toBe(429);
  expect(await h.denials('sent-rate')).toBe(1);
  expect(watch.ended).toBe(false);
});

test('a cell lists and watches whole collections 5 times a second and 100 times at once, however little matches', async () => {
  h.clock.freeze();
  const answers = await inTurns(120, () => over(session, `${SERVICES}?labelSelector=a%3Db`));
  expect([withStatus(answers, 200), withStatus(answers, 429), await h.denials('limit')]).toEqual([100, 20, 20]);
  expect((await h.request(SERVICES, { as: await h.cell('b') })).status).toBe(200);
  h.clock.advance(1_000);
  expect(withStatus(await inTurns(10, () => over(session, SERVICES)), 200)).toBe(5);
});

test('a cell has 16 watches of whole collections; another takes the place of one that ended', async () => {
  const watches = [];
  for (let i = 0; i < 16; i += 1) watches.push(await h.watch(`${SERVICES}?watch=true`, as));
  expect(watches.map(({ status }) => status)).toEqual(Array(16).fill(200));
  expect((await h.watch(`${SERVICES}?watch=true`, as)).status).toBe(429);
  watches[0]?.stream.close();
  await expect.poll(async () => (await h.watch(`${SERVICES}?watch=true`, as)).status).toBe(200);
});

test('a cell that asks for more watches at once than it may have, before their collection is known, has as many as it may', async () => {
  const watch = async () => {
    const [headers] = await once(session.request({ ':path': `${SERVICES}?watch=true` }), 'response');
    return (headers as IncomingHttpHeaders)[':status'];
  };
  const statuses = (await Promise.all(Array.from({ length: 40 }, watch))).toSorted();
  expect(statuses).toEqual([...Array(16).fill(200), ...Array(24).fill(429)]);
});

test('a cell has 8 requests to the API server under way; its others wait, another cell’s do not', async () => {
  const claim = { name: 'v', persistentVolumeClaim: { claimName: 'data' } };
  await h.handedOver('a', pod('stateful', { spec: { volumes: [claim] } }));
  await h.handedOver('b', pod('other'));
  const { promise: answered, resolve: answer } = Promise.withResolvers<KubeResponse>();
  h.kube.intercept = ({ path }) => (path === CLAIM ? answered : undefined);
  const asked = () => h.kube.requests.filter(({ path }) => path === CLAIM).length;
  const under = Array.from({ length: 40 }, () => over(session, CLAIM));
  await expect.poll(asked).toBe(8);
  expect((await over(session, '/healthz')).status).toBe(200);
  const other = { method: 'PATCH', as: await h.cell('b'), body: { status: {} }, contentType: STRATEGIC };
  expect((await h.request(`${podsPath()}/other/status`, other)).status).toBe(200);
  expect(asked()).toBe(8);
  answer({ status: 200, contentType: 'application/json', body: Buffer.from('{}') });
  expect(withStatus(await Promise.all(under), 200)).toBe(40);
});
