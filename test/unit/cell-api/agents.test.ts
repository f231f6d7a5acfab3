import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Credentials, Harness, NODE, pod, podsPath, tick } from './harness.ts';

const PODS = `/api/v1/pods?fieldSelector=spec.nodeName%3D${NODE}`;
const STRATEGIC = 'application/strategic-merge-patch+json';
const PATH = `${podsPath('kube-system')}/agent`;
let h: Harness;
let a: Credentials;
let b: Credentials;

const AGENT = {
  ...pod('agent', { namespace: 'kube-system', spec: { volumes: [{ name: 's', secret: { secretName: 'agents' } }] } }),
  status: {
    phase: 'Running',
    qosClass: 'BestEffort',
    conditions: [
      { type: 'PodScheduled', status: 'True' },
      { type: 'Ready', status: 'True', message: 'the sum' },
    ],
    containerStatuses: [{ name: 'main', restartCount: 7 }],
  },
};

beforeEach(async () => {
  h = new Harness();
  await h.start();
  [a, b] = [await h.cell('a'), await h.cell('b')];
  h.kube.put(podsPath('kube-system'), AGENT);
  h.kube.put('/api/v1/namespaces/kube-system/secrets', {
    metadata: { name: 'agents', namespace: 'kube-system' },
    data: {},
  });
  await tick();
  h.book.seatAgent('a', 'uid-agent');
  h.book.seatAgent('b', 'uid-agent');
});
afterEach(() => h.stop());

const patch = (as: Credentials, status: object, query = '', more: object = {}) =>
  h.request(`${PATH}/status${query}`, { method: 'PATCH', as, contentType: STRATEGIC, body: { status, ...more } });
const writes = () => h.kube.requests.filter(({ method }) => method !== 'GET');
const statusSeenBy = async (as: Credentials) => (await h.request(PATH, { as })).body.status;

function markDeleted(): void {
  const deletionTimestamp = '2026-01-01T00:00:00Z';
  h.kube.put(podsPath('kube-system'), { ...AGENT, metadata: { ...AGENT.metadata, deletionTimestamp } });
}

test('an agent is in each cell’s list beside its own pods, with a status that is nobody’s until it tells one', async () => {
  await h.handedOver('a', pod('mine'));
  const { body } = await h.request(PODS, { as: a });
  expect(body.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name).sort()).toEqual([
    'agent',
    'mine',
  ]);
  const blank = { phase: 'Pending', qosClass: 'BestEffort', conditions: [{ type: 'PodScheduled', status: 'True' }] };
  expect(await statusSeenBy(a)).toEqual(blank);
  expect(await statusSeenBy(b)).toEqual(blank);
});

test('a cell reads its own status of an agent, no other cell does, and nothing goes upstream', async () => {
  const watch = await h.watch(`${PODS}&watch=true`, a);
  await expect.poll(() => watch.seen()).toEqual(['ADDED agent']);
  const conditions = [{ type: 'Ready', status: 'False', message: 'mine' }];
  const answer = await patch(a, { phase: 'Running', conditions, podIPs: [{ ip: '10.0.0.1' }] });
  expect(answer.body).toMatchObject({ metadata: { uid: 'uid-agent' }, status: { phase: 'Running' } });
  await patch(a, { $setElementOrder: {}, conditions: [{ type: 'Initialized', status: 'True' }] } as object, '');
  const own = await statusSeenBy(a);
  expect(own.conditions.map(({ type }: { type: string }) => type)).toEqual(['PodScheduled', 'Ready', 'Initialized']);
  expect((await statusSeenBy(b)).phase).toBe('Pending');
  await expect.poll(() => watch.events.at(-1).object.status).toEqual(own);
  expect(h.book.agentStatus('a', 'uid-agent')?.status).toEqual(own);
  expect(writes()).toEqual([]);
});

test('a dry run of a status changes nothing, and no cell smuggles anything else in', async () => {
  expect((await patch(a, { phase: 'Failed' }, '?dryRun=All')).status).toBe(200);
  expect((await statusSeenBy(a)).phase).toBe('Pending');
  for (const more of [{ metadata: { annotations: { x: 'y' } } }, { spec: {} }]) {
    expect((await patch(a, {}, '', more)).status).toBe(403);
  }
  for (const type of ['nodeless.io/CellReady', 'nodeless.io/NetworkPolicyEnforced']) {
    expect((await patch(a, { conditions: [{ type, status: 'True' }] })).status).toBe(403);
  }
  expect((await patch(a, {}, '', { metadata: { uid: 'another' } })).status).toBe(409);
  expect((await patch(a, { message: 'x'.repeat(300_000) })).status).toBe(422);
  expect(writes()).toEqual([]);
});

test('the sum of all cells’ statuses, which changes with each of them, is told to none; what else changes is', async () => {
  const watch = await h.watch(`${PODS}&watch=true`, a);
  await expect.poll(() => watch.seen()).toEqual(['ADDED agent']);
  h.kube.put(podsPath('kube-system'), { ...AGENT, status: { phase: 'Running', message: 'another sum' } });
  const labels = { new: 'label' };
  h.kube.put(podsPath('kube-system'), { ...AGENT, metadata: { ...AGENT.metadata, labels } });
  await expect.poll(() => watch.seen()).toEqual(['ADDED agent', 'MODIFIED agent']);
  expect(watch.events[1].object).toMatchObject({ metadata: { labels }, status: { phase: 'Pending' } });
});

test('a cell ends an agent in itself alone, and only when it ends everywhere', async () => {
  const [ofA, ofB] = [await h.watch(`${PODS}&watch=true`, a), await h.watch(`${PODS}&watch=true`, b)];
  const remove = (as: Credentials, body: object = { gracePeriodSeconds: 0 }) =>
    h.request(PATH, { method: 'DELETE', as, body });
  expect((await remove(a)).status).toBe(403);
  const evict = { method: 'POST', as: a, body: { metadata: { name: 'agent' } } };
  expect((await h.request(`${PATH}/eviction`, evict)).status).toBe(403);
  markDeleted();
  await expect.poll(() => ofA.seen()).toEqual(['ADDED agent', 'MODIFIED agent']);
  expect((await remove(a, { preconditions: { uid: 'another' } })).status).toBe(409);
  expect((await remove(a)).status).toBe(200);
  await expect.poll(() => ofA.seen()).toEqual(['ADDED agent', 'MODIFIED agent', 'DELETED agent']);
  expect((await h.request(PATH, { as: a })).status).toBe(404);
  expect((await h.request(PODS, { as: a })).body.items).toEqual([]);
  expect((await h.request(PATH, { as: b })).status).toBe(200);
  expect(writes()).toEqual([]);
  h.kube.remove(podsPath('kube-system'), 'agent');
  await expect.poll(() => ofB.seen()).toEqual(['ADDED agent', 'MODIFIED agent', 'DELETED agent']);
  expect(ofA.seen()).toHaveLength(3);
});

test('what an agent refers to is for every cell that has it, and for no other', async () => {
  const c = await h.cell('c');
  const secret = '/api/v1/namespaces/kube-system/secrets/agents';
  const token = {
    method: 'POST',
    body: { spec: { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'agent', uid: 'uid-agent' } } },
  };
  const account = '/api/v1/namespaces/kube-system/serviceaccounts/default/token';
  for (const as of [a, b]) {
    expect((await h.request(secret, { as })).status).toBe(200);
    expect((await h.request(account, { as, ...token })).status).toBe(201);
  }
  expect((await h.request(secret, { as: c })).status).toBe(403);
  expect((await h.request(account, { as: c, ...token })).status).toBe(403);
  expect((await h.request(PATH, { as: c })).status).toBe(403);
});

test('a watch that was broken while the cell ended an agent begins with its end, and a list lacks it', async () => {
  const { resourceVersion } = (await h.request(PODS, { as: a })).body.metadata;
  const broken = await h.watch(`${PODS}&watch=true&resourceVersion=${resourceVersion}`, a);
  await expect.poll(() => broken.seen()).toEqual(['ADDED agent']);
  broken.stream.close();
  await expect.poll(() => broken.ended).toBe(true);
  markDeleted();
  await tick();
  expect((await h.request(PATH, { method: 'DELETE', as: a, body: { gracePeriodSeconds: 0 } })).status).toBe(200);
  const resumed = await h.watch(`${PODS}&watch=true&resourceVersion=${resourceVersion}`, a);
  await expect.poll(() => resumed.seen()).toEqual(['DELETED agent']);
  expect((await h.request(PODS, { as: a })).body.items).toEqual([]);
  h.kube.remove(podsPath('kube-system'), 'agent');
  await tick();
  const later = await h.watch(`${PODS}&watch=true&resourceVersion=${resourceVersion}`, a);
  await expect.poll(() => later.seen()).toEqual(['DELETED agent']);
  expect(resumed.seen()).toHaveLength(1);
});

describe('events about agents', () => {
  const warning = (as: Credentials, name: string, type = 'Warning') => {
    const involvedObject = { kind: 'Pod', namespace: 'kube-system', name: 'agent', uid: 'uid-agent' };
    const body = { metadata: { name, namespace: 'kube-system' }, involvedObject, type, reason: 'X' };
    return h.request('/api/v1/namespaces/kube-system/events', { method: 'POST', as, body });
  };
  const warningsOf = (cell: string) =>
    writes().filter(({ body }) => (body as { metadata: { name: string } }).metadata.name.startsWith(`${cell}-`));

  test('go upstream only where they warn', async () => {
    expect((await warning(a, 'a-1', 'Normal')).status).toBe(201);
    expect(writes()).toEqual([]);
  });

  test('of one cell, however many it sends, silence no other cell’s', async () => {
    h.clock.freeze();
    for (let count = 0; count < 60; count += 1) expect((await warning(a, `a-${count}`)).status).toBe(201);
    for (let count = 0; count < 5; count += 1) await warning(b, `b-${count}`);
    expect(warningsOf('a')).toHaveLength(5);
    expect(warningsOf('b')).toHaveLength(5);
  });

  test('of all cells together are not many', async () => {
    h.clock.freeze();
    for (let cell = 0; cell < 12; cell += 1) {
      const as = await h.cell(`c${cell}`);
      h.book.seatAgent(`c${cell}`, 'uid-agent');
      for (let count = 0; count < 5; count += 1) await warning(as, `c${cell}-${count}`);
    }
    expect(writes()).toHaveLength(50);
  });
});

test('lists and watches wait until it is known which agents a cell has', async () => {
  h.book.unknown.add('a');
  for (const path of [PODS, `${PODS}&watch=true`, `${podsPath()}/other`]) {
    expect((await h.request(path, { as: a })).status).toBe(503);
  }
  expect((await h.request(PODS, { as: b })).status).toBe(200);
  h.book.unknown.delete('a');
  expect((await h.request(PODS, { as: a })).status).toBe(200);
});
