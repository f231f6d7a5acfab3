import type { ClientHttp2Session } from 'node:http2';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { KubeObject } from '../../../src/kube/objects.ts';
import { type Answer, type Credentials, Harness, over, pod, podsPath, tick, withStatus } from './harness.ts';

const STRATEGIC = 'application/strategic-merge-patch+json';
const EVENTS = '/api/v1/namespaces/default/events';
let h: Harness;
let as: Credentials;
let session: ClientHttp2Session;

vi.setConfig({ testTimeout: 60_000 });

beforeEach(async () => {
  h = new Harness();
  await h.start();
  as = await h.cell('a');
  session = h.session(as);
});
afterEach(() => h.stop());

const writes = () => h.kube.requests.filter(({ method, path }) => method !== 'GET' && !path.includes('watch')).length;

function patch(name: string, status: object): Promise<Answer> {
  const body = { metadata: { uid: `uid-${name}` }, status };
  return over(session, `${podsPath()}/${name}/status`, { method: 'PATCH', body, contentType: STRATEGIC });
}

function token({ metadata: { name, uid } }: KubeObject): Promise<Answer> {
  const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name, uid };
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { boundObjectRef } };
  const path = '/api/v1/namespaces/default/serviceaccounts/default/token';
  return over(session, path, { method: 'POST', body });
}

function tell({ metadata: { name, uid } }: KubeObject, event: string, message = ''): Promise<Answer> {
  const involvedObject = { kind: 'Pod', namespace: 'default', name, uid };
  const metadata = { name: event, namespace: 'default' };
  const body = { apiVersion: 'v1', kind: 'Event', metadata, involvedObject, message };
  return over(session, EVENTS, { method: 'POST', body });
}

/** As many at once as a kubelet's client has under way at the most. */
async function inTurns<T>(items: readonly T[], ask: (item: T) => Promise<Answer>): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (let i = 0; i < items.length; i += 50) answers.push(...(await Promise.all(items.slice(i, i + 50).map(ask))));
  return answers;
}

test('a cell grows the status of its own pod to 256 KiB, and no further by parts that are small', async () => {
  await h.handedOver('a', pod('mine'));
  expect((await patch('mine', { message: 'x'.repeat(200_000) })).status).toBe(200);
  const before = writes();
  expect((await patch('mine', { reason: 'y'.repeat(100_000) })).status).toBe(422);
  expect([writes(), await h.denials('limit')]).toEqual([before, 1]);
  expect((await patch('mine', { message: 'small again' })).status).toBe(200);
});

test('a cell writes 10 times a second, 100 times at once and 20 more for each pod; more get 429 with Retry-After', async () => {
  await h.handedOver('a', pod('mine'));
  h.clock.freeze();
  const before = writes();
  const turns = Array.from({ length: 200 }, (_, index) => String(index));
  const answers = await inTurns(turns, (message) => patch('mine', { message }));
  expect([withStatus(answers, 200), withStatus(answers, 429), writes() - before]).toEqual([120, 80, 120]);
  expect(answers.find(({ status }) => status === 429)?.headers['retry-after']).toBe('1');
  expect(await h.denials('write-rate')).toBe(80);
  expect((await token(pod('mine'))).status).toBe(429);
  h.clock.advance(1_000);
  expect(withStatus(await inTurns(turns, (message) => patch('mine', { message })), 200)).toBe(10);
});

test('a status of many times the usual size counts as so many writes', async () => {
  await h.handedOver('a', pod('mine'));
  h.clock.freeze();
  const message = 'x'.repeat(200_000);
  const answers: Answer[] = [];
  for (let i = 0; i < 30; i += 1) answers.push(await patch('mine', { message, reason: String(i) }));
  expect(withStatus(answers, 200)).toBeLessThan(12);
  expect(withStatus(answers, 200) + withStatus(answers, 429)).toBe(30);
});

test('an event of more than 16 KiB is refused; a recorder’s largest is not', async () => {
  const mine = pod('mine');
  await h.handedOver('a', mine);
  const before = writes();
  expect((await tell(mine, 'large', 'x'.repeat(16 * 1024))).status).toBe(413);
  expect([writes(), await h.denials('limit')]).toEqual([before, 1]);
  expect((await tell(mine, 'usual', 'x'.repeat(1_024))).status).toBe(201);
});

test('a kubelet that starts 100 pods at once is refused nothing', async () => {
  const pods = Array.from({ length: 100 }, (_, index) => pod(`p${index}`));
  for (const one of pods) {
    h.kube.put(podsPath(), one);
    h.book.handOver('a', one.metadata.uid ?? '');
  }
  await tick();
  h.clock.freeze();
  const answers = [
    ...(await inTurns(pods, token)),
    ...(await inTurns(pods, token)),
    ...(await inTurns([...pods, ...pods, ...pods, ...pods, ...pods], ({ metadata: { name } }) =>
      patch(name, { message: 'm'.repeat(4_000) }),
    )),
  ];
  expect(answers.map(({ status }) => status).filter((status) => status > 201)).toEqual([]);
  h.clock.advance(5_000);
  const events = pods.flatMap((one) => ['a', 'b', 'c', 'd', 'e'].map((reason) => ({ one, reason })));
  const told = await inTurns(events, ({ one, reason }) => tell(one, `${one.metadata.name}.${reason}`));
  expect(told.map(({ status }) => status).filter((status) => status !== 201)).toEqual([]);
});
