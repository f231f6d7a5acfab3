import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Credentials, Harness, NODE, pod, podsPath, tick } from './harness.ts';

const PODS = `/api/v1/pods?fieldSelector=spec.nodeName%3D${NODE}`;
const STRATEGIC = 'application/strategic-merge-patch+json';
let h: Harness;
let as: Credentials;

beforeEach(async () => {
  h = new Harness();
  await h.start();
  as = await h.cell('a');
});
afterEach(() => h.stop());

const listed = async () => {
  const { body } = await h.request(PODS, { as });
  return {
    version: body.metadata.resourceVersion as string,
    names: body.items.map((item: { metadata: { name: string } }) => item.metadata.name),
  };
};

test('lists are answered with 503 until the book is complete', async () => {
  h.book.complete = false;
  for (const path of [PODS, `${PODS}&watch=true`, `${podsPath()}/mine`]) {
    const answer = await h.request(path, { as });
    expect(answer.body).toMatchObject({ kind: 'Status', code: 503, reason: 'ServiceUnavailable' });
    expect(answer.headers['retry-after']).toBe('1');
  }
});

test('lists are answered with 503 until the pods are known', async () => {
  const unsynced = new Harness();
  await unsynced.start({ synced: false });
  expect((await unsynced.request(PODS, { as: await unsynced.cell('a') })).status).toBe(503);
  await unsynced.stop();
});

test('a pod handed over between list and watch is ADDED when the watch begins', async () => {
  const stored = h.kube.put(podsPath(), pod('mine'));
  h.kube.put(podsPath(), pod('later'));
  await tick();
  const { version, names } = await listed();
  expect(names).toEqual([]);
  expect(Number(stored.metadata.resourceVersion)).toBeLessThan(Number(version));
  h.book.handOver('a', 'uid-mine');
  const watch = await h.watch(`${PODS}&watch=true&resourceVersion=${version}&allowWatchBookmarks=true`, as);
  await expect.poll(() => watch.seen()[0]).toBe('ADDED mine');
  // The pod's version is older than the list's; a bookmark takes the client forward again.
  await expect
    .poll(() => watch.events.at(-1))
    .toMatchObject({ type: 'BOOKMARK', object: { kind: 'Pod', metadata: { resourceVersion: version } } });
});

test('a hand-over while the watch is open, changes and the end are told; other pods are not', async () => {
  const { version } = await listed();
  const watch = await h.watch(`${PODS}&watch=true&resourceVersion=${version}`, as);
  await h.handedOver('b', pod('other'));
  await h.handedOver('a', pod('mine'));
  h.kube.put(podsPath(), pod('other'));
  h.kube.put(podsPath(), pod('mine'));
  await tick();
  h.kube.remove(podsPath(), 'other');
  h.kube.remove(podsPath(), 'mine');
  await expect.poll(() => watch.seen()).toEqual(['ADDED mine', 'MODIFIED mine', 'DELETED mine']);
});

test('a hand-over whose notice is lost is told within seconds', async () => {
  const watch = await h.watch(`${PODS}&watch=true`, as);
  h.kube.put(podsPath(), pod('mine'));
  await tick();
  h.book.handOver('a', 'uid-mine', true);
  h.clock.advance(6_000);
  await expect.poll(() => watch.seen()).toEqual(['ADDED mine']);
});

test('a pod that was deleted while no watch was open is DELETED on resumption', async () => {
  await h.handedOver('a', pod('mine'));
  await h.handedOver('b', pod('other'));
  const { version, names } = await listed();
  expect(names).toEqual(['mine']);
  h.kube.remove(podsPath(), 'mine');
  h.kube.remove(podsPath(), 'other');
  await tick();
  const watch = await h.watch(`${PODS}&watch=true&resourceVersion=${version}`, as);
  await expect.poll(() => watch.seen()).toEqual(['DELETED mine']);
});

test('unknown versions are answered with 410', async () => {
  for (const version of ['1', '99999999']) {
    const answer = await h.request(`${PODS}&watch=true&resourceVersion=${version}`, { as });
    expect(answer.body).toMatchObject({ code: 410, reason: 'Expired' });
  }
  expect((await h.request(`${PODS}&continue=abc`, { as })).status).toBe(410);
});

test('what is not implemented is refused, never ignored', async () => {
  const status = async (query: string) => (await h.request(`${PODS}&${query}`, { as })).status;
  expect(await status('watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan')).toBe(422);
  expect(await status('labelSelector=a%3Db')).toBe(400);
  expect(await status('watch=true&resourceVersion=abc')).toBe(400);
  expect(await status('surprise=1')).toBe(400);
  expect(await status('limit=500&resourceVersion=0')).toBe(200);
  expect((await h.request('/api/v1/pods', { as })).status).toBe(403);
  expect((await h.request('/api/v1/pods?fieldSelector=spec.nodeName%3Dother', { as })).status).toBe(403);
  expect(
    (await h.request(`/api/v1/namespaces/default/pods?fieldSelector=spec.nodeName%3D${NODE}`, { as })).status,
  ).toBe(403);
});

test('a watch ends after its timeoutSeconds, cleanly', async () => {
  const watch = await h.watch(`${PODS}&watch=true&timeoutSeconds=300`, as);
  expect(await h.metric('nodeless_cell_api_watches', { resource: 'pods' })).toBe(1);
  h.clock.advance(301_000);
  await expect.poll(() => watch.ended).toBe(true);
  expect(watch.stream.rstCode).toBe(0);
  await expect.poll(() => h.metric('nodeless_cell_api_watches', { resource: 'pods' })).toBe(0);
});

test('bookmarks come about once a minute to those who asked', async () => {
  const [asked, not] = [
    await h.watch(`${PODS}&watch=true&allowWatchBookmarks=true`, as),
    await h.watch(`${PODS}&watch=true`, as),
  ];
  h.clock.advance(66_000);
  await expect.poll(() => asked.events.length).toBe(1);
  expect(asked.events[0].object.metadata.resourceVersion).toBe(h.kube.revision);
  expect(not.events).toEqual([]);
});

test('stopping ends watches cleanly', async () => {
  const watch = await h.watch(`${PODS}&watch=true`, as);
  await h.stop();
  expect(watch.ended).toBe(true);
});

test('a client that does not read loses its watch instead of filling memory', async () => {
  const watch = await h.watch(`${PODS}&watch=true`, as);
  watch.stream.pause();
  const big = { ...pod('mine'), status: { message: 'x'.repeat(1_000_000) } };
  await h.handedOver('a', big);
  for (let i = 0; i < 15; i++) {
    h.kube.put(podsPath(), big);
    await tick(5);
  }
  await expect.poll(() => h.metric('nodeless_cell_api_watches', { resource: 'pods' })).toBe(0);
});

test('a cell gets its own pod by name, reads its own writes, and learns nothing of others', async () => {
  await h.handedOver('a', pod('mine'));
  await h.handedOver('b', pod('other'));
  expect((await h.request(`${podsPath()}/mine`, { as })).body.metadata.uid).toBe('uid-mine');
  const [foreign, missing] = [
    await h.request(`${podsPath()}/other`, { as }),
    await h.request(`${podsPath()}/nothing`, { as }),
  ];
  expect(foreign.status).toBe(403);
  expect(foreign.body).toEqual(missing.body);
  h.kube.remove(podsPath(), 'mine');
  await tick();
  expect((await h.request(`${podsPath()}/mine`, { as })).status).toBe(404);
});

const patch = (name: string, body: unknown, contentType = STRATEGIC) =>
  h.request(`${podsPath()}/${name}/status`, { method: 'PATCH', as, body, contentType });

test('a status patch goes upstream as the node, bound to the pod’s uid, and the answer comes back whole', async () => {
  await h.handedOver('a', pod('mine'));
  const answer = await patch('mine', { status: { phase: 'Running' } });
  expect(answer.status).toBe(200);
  const sent = h.kube.requests.findLast(({ method }) => method === 'PATCH');
  expect(sent).toMatchObject({
    user: `system:node:${NODE}`,
    path: `${podsPath()}/mine/status`,
    contentType: STRATEGIC,
    body: { metadata: { uid: 'uid-mine' }, status: { phase: 'Running' } },
  });
  expect((await h.request(`${podsPath()}/mine`, { as })).body.status.phase).toBe('Running');
  expect((await patch('mine', { metadata: { uid: 'uid-older' }, status: {} })).body).toMatchObject({
    code: 409,
    reason: 'Conflict',
  });
  expect((await patch('other', { status: {} })).status).toBe(403);
});

test('a taken-over cell can not smuggle anything else into a status patch', async () => {
  await h.handedOver('a', pod('mine'));
  const before = h.kube.requests.filter(({ method }) => method === 'PATCH').length;
  const smuggled: unknown[] = [
    { metadata: { annotations: { 'nodeless.io/cell': 'b' } }, status: {} },
    { metadata: { uid: 'uid-mine', labels: { a: 'b' } }, status: {} },
    { spec: { nodeName: 'x' }, status: {} },
    { $patch: 'replace', status: {} },
    { status: { $patch: 'replace', phase: 'Failed' } },
    { Metadata: { annotations: {} }, status: {} },
    { metadata: [], status: {} },
    {},
    { status: { conditions: [{ type: 'nodeless.io/CellReady', status: 'False' }] } },
    { status: { conditions: [{ type: 'nodeless.io/CellReady', $patch: 'delete' }] } },
    { status: { conditions: [{ $patch: 'replace' }] } },
    { status: { conditions: null } },
    '{"status":{},"__proto__":{"annotations":{}}}',
  ];
  for (const body of smuggled) expect([403, 400], JSON.stringify(body)).toContain((await patch('mine', body)).status);
  expect((await patch('mine', { status: { conditions: [] } }, 'application/merge-patch+json')).status).toBe(403);
  expect((await patch('mine', [], 'application/json-patch+json')).status).toBe(415);
  expect((await patch('mine', 'x', 'application/vnd.kubernetes.protobuf')).status).toBe(415);
  expect((await patch('mine', 'not json')).status).toBe(400);
  expect(h.kube.requests.filter(({ method }) => method === 'PATCH').length).toBe(before);
  const duplicate = '{"metadata":{"annotations":{"a":"b"}},"metadata":{"uid":"uid-mine"},"status":{}}';
  expect((await patch('mine', duplicate)).status).toBe(200);
  expect(h.kube.requests.at(-1)?.body).toEqual({ metadata: { uid: 'uid-mine' }, status: {} });
});

test('deletions and evictions act on the uid of the cell’s own pod', async () => {
  await h.handedOver('a', pod('mine'));
  const path = `${podsPath()}/mine`;
  const remove = (body?: unknown) => h.request(path, { method: 'DELETE', as, body });
  expect((await remove({ kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0 })).status).toBe(200);
  expect(h.kube.requests.at(-1)).toMatchObject({
    method: 'DELETE',
    body: { gracePeriodSeconds: 0, preconditions: { uid: 'uid-mine' } },
  });
  expect((await remove()).status).toBe(200);
  expect(h.kube.requests.at(-1)).toMatchObject({ method: 'DELETE', body: { preconditions: { uid: 'uid-mine' } } });
  expect((await remove({ preconditions: { uid: 'another' } })).status).toBe(409);
  expect((await h.request(`${podsPath()}/other`, { method: 'DELETE', as })).status).toBe(403);
  const evict = (name: string) => h.request(`${path}/eviction`, { method: 'POST', as, body: { metadata: { name } } });
  expect((await evict('mine')).status).toBe(201);
  expect(h.kube.requests.at(-1)?.body).toMatchObject({ deleteOptions: { preconditions: { uid: 'uid-mine' } } });
  expect((await evict('other')).status).toBe(400);
});

test('everything else about pods is denied', async () => {
  await h.handedOver('a', pod('mine'));
  const status = async (method: string, path: string, body: unknown = {}) =>
    (await h.request(path, { method, as, body })).status;
  expect(await status('POST', podsPath(), pod('new'))).toBe(403);
  expect(await status('PUT', `${podsPath()}/mine`)).toBe(403);
  expect(await status('PATCH', `${podsPath()}/mine`)).toBe(403);
  expect(await status('DELETE', podsPath())).toBe(403);
  expect(await status('POST', `${podsPath()}/mine/binding`)).toBe(403);
  expect((await h.request(`${podsPath()}/mine/exec`, { as })).status).toBe(403);
  expect((await h.request(`${podsPath()}/mine/log`, { as })).status).toBe(403);
});
