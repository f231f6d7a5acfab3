import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NodelessError } from '../../../src/core/errors.ts';
import { type Credentials, Harness, NODE, over, pod, podsPath, tick } from './harness.ts';

const EVENTS = '/api/v1/namespaces/default/events';
let h: Harness;
let as: Credentials;

beforeEach(async () => {
  h = new Harness();
  await h.start();
  as = await h.cell('a');
  await h.handedOver('a', pod('mine'));
  await h.handedOver('b', pod('other'));
});
afterEach(() => h.stop());

const event = (involvedObject: object, name = 'mine.1') => ({
  metadata: { name, namespace: 'default' },
  involvedObject,
  reason: 'Pulled',
  count: 1,
});
const about = (name: string, uid = `uid-${name}`, namespace = 'default') => ({ kind: 'Pod', name, namespace, uid });
const post = async (body: object, path = EVENTS) => (await h.request(path, { method: 'POST', as, body })).status;

/** So many events at once, each of another name. */
async function flood(count: number, name: string) {
  const session = h.session(as);
  const send = (i: number) => over(session, EVENTS, { method: 'POST', body: event(about('mine'), `${name}.${i}`) });
  const answers: Awaited<ReturnType<typeof over>>[] = [];
  for (let i = 0; i < count; i += 10) {
    answers.push(...(await Promise.all(Array.from({ length: Math.min(10, count - i) }, (_, j) => send(i + j)))));
  }
  return answers;
}

test('events about the own pod go upstream as the node, others are refused, the node’s are absorbed', async () => {
  expect(await post(event(about('mine')))).toBe(201);
  expect(h.kube.requests.at(-1)).toMatchObject({ user: `system:node:${NODE}`, method: 'POST', path: EVENTS });
  const newer = { metadata: { name: 'mine.2', namespace: 'default' }, regarding: about('mine') };
  expect(await post(newer, '/apis/events.k8s.io/v1/namespaces/default/events')).toBe(201);
  const before = h.kube.requests.length;
  expect(await post(event(about('other')))).toBe(403);
  expect(await post(event(about('mine', 'uid-other')))).toBe(403);
  expect(await post(event(about('mine', 'uid-mine', 'kube-system')))).toBe(403);
  expect(await post(event(about('mine')), '/api/v1/namespaces/kube-system/events')).toBe(403);
  expect(await post({ ...event(about('mine')), regarding: about('other') })).toBe(403);
  expect(await post(event({ kind: 'Deployment', name: 'x', uid: 'uid-mine' }))).toBe(403);
  expect(await post(event({ kind: 'Node', name: NODE, uid: NODE }))).toBe(201);
  expect(await post(event({ kind: 'Node', name: 'other' }))).toBe(403);
  expect(h.kube.requests.length).toBe(before);
});

test('only events that the cell has created are patched, and only in what a recorder repeats', async () => {
  const patch = async (name: string, body: object) =>
    (
      await h.request(`${EVENTS}/${name}`, {
        method: 'PATCH',
        as,
        body,
        contentType: 'application/strategic-merge-patch+json',
      })
    ).status;
  expect(await patch('mine.1', { count: 2 })).toBe(404);
  await post(event(about('mine')));
  expect(await patch('mine.1', { count: 2, lastTimestamp: 'now' })).toBe(200);
  expect(await patch('mine.1', { involvedObject: about('other') })).toBe(403);
  expect((await h.request(EVENTS, { as })).status).toBe(403);
  expect((await h.request(`${EVENTS}/mine.1`, { method: 'DELETE', as })).status).toBe(403);
});

test('a cell that floods events is slowed without Retry-After, so that its recorder drops them', async () => {
  h.clock.freeze();
  const answers = await flood(150, 'flood');
  const limited = answers.filter(({ status }) => status === 429);
  expect([answers.length - limited.length, limited[0]?.headers['retry-after']]).toEqual([100 + 10, undefined]);
});

test('a cell with many pods may tell ten things more of each at once', async () => {
  h.clock.freeze();
  for (let i = 0; i < 20; i += 1) await h.handedOver('a', pod(`mine-${i}`));
  expect((await h.request(`/api/v1/pods?fieldSelector=spec.nodeName%3D${NODE}`, { as })).body.items.length).toBe(21);
  const statuses = (await flood(320, 'start')).map(({ status }) => status);
  expect(statuses.filter((status) => status === 201).length).toBe(100 + 10 * 21);
});

test('a replica that may not lead any more says so, instead of blaming the API server', async () => {
  h.kube.intercept = () => {
    throw new NodelessError({ code: 'NotLeading', retryable: true, message: 'it was not sent' });
  };
  const { status, body, headers } = await h.request(EVENTS, { method: 'POST', as, body: event(about('mine')) });
  expect([status, headers['retry-after']]).toEqual([503, '1']);
  expect(body.message).toBe('this replica of the provider may not lead any more');
});

test('an event about a pod that is just gone is still the cell’s', async () => {
  await h.request(`${podsPath()}/mine`, { as });
  h.kube.remove(podsPath(), 'mine');
  await tick();
  expect(await post(event(about('mine')))).toBe(201);
});

test('shared kinds are read from one upstream watch, selected by label as kube-proxy does', async () => {
  const labelled = (name: string, labels: Record<string, string>) =>
    h.kube.put('/api/v1/namespaces/default/services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default', labels },
    });
  labelled('web', { app: 'web' });
  labelled('headless', { 'service.kubernetes.io/headless': '' });
  const SELECTOR = `labelSelector=${encodeURIComponent('!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name')}`;
  const names = async (query: string) => {
    const { body } = await h.request(`/api/v1/services?${query}`, { as });
    return body.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
  };
  expect(await names('')).toEqual(['web', 'headless']);
  expect(await names(SELECTOR)).toEqual(['web']);
  expect(await names(`labelSelector=${encodeURIComponent('app in (web, api)')}`)).toEqual(['web']);
  expect(await names(`labelSelector=${encodeURIComponent('app notin (web),app!=x')}`)).toEqual(['headless']);
  const { body } = await h.request(`/api/v1/services?${SELECTOR}`, { as });
  const watch = await h.watch(
    `/api/v1/services?${SELECTOR}&watch=true&resourceVersion=${body.metadata.resourceVersion}`,
    as,
  );
  labelled('late', {});
  labelled('web', { 'service.kubernetes.io/headless': '' });
  await expect.poll(() => watch.seen()).toEqual(['ADDED late', 'DELETED web']);
  expect(h.kube.watchesOf('/api/v1/services')).toBe(1);
  expect(h.kube.requests.find(({ path }) => path === '/api/v1/services')?.user).toBe('provider');
  expect((await h.request('/api/v1/services?fieldSelector=spec.clusterIP%21%3DNone', { as })).body.items).toHaveLength(
    3,
  );
  expect((await h.request('/api/v1/services?fieldSelector=spec.clusterIP%3DNone', { as })).body.items).toHaveLength(0);
  expect((await h.request('/api/v1/services?fieldSelector=spec.type%3DNodePort', { as })).status).toBe(400);
  expect((await h.request('/api/v1/services?labelSelector=%28', { as })).status).toBe(400);
  expect((await h.request('/apis/node.k8s.io/v1/runtimeclasses', { as })).status).toBe(200);
  expect((await h.request('/api/v1/services', { method: 'POST', as, body: {} })).status).toBe(403);
});

test('only the provider may use a cell’s kubelet', async () => {
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  const may = async (user: string, groups?: string[]) =>
    (
      await h.request(path, {
        method: 'POST',
        as,
        body: { spec: { user, groups, resourceAttributes: { resource: 'nodes', subresource: 'proxy', verb: 'get' } } },
      })
    ).body.status.allowed;
  expect(await may('nodeless:provider')).toBe(true);
  expect(await may(`system:node:${NODE}`, ['system:nodes'])).toBe(false);
  expect(await may('system:anonymous')).toBe(false);
  expect(await may('admin', ['system:masters'])).toBe(false);
  const review = await h.request('/apis/authentication.k8s.io/v1/tokenreviews', {
    method: 'POST',
    as,
    body: { kind: 'TokenReview', spec: { token: 'secret-token' } },
  });
  expect(review.body.status.authenticated).toBe(false);
  expect(JSON.stringify(review.body)).not.toContain('secret-token');
});

test('clients that take no JSON, and bodies that are none, are told so', async () => {
  const accept = 'application/vnd.kubernetes.protobuf';
  expect((await h.request('/api/v1/services', { as, headers: { accept } })).body).toMatchObject({
    code: 406,
    reason: 'NotAcceptable',
  });
  expect((await h.request('/api/v1/services', { as, headers: { accept: `${accept},application/json` } })).status).toBe(
    200,
  );
  const posted = await h.request(EVENTS, { method: 'POST', as, body: 'k8s', contentType: accept });
  expect(posted.body).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' });
});

test('a body that is too large is refused with a Status', async () => {
  const answer = await h
    .request1(EVENTS, { method: 'POST', as, body: { x: 'y'.repeat(3_000_000) } })
    .catch(() => ({ status: 413, body: { kind: 'Status' } }));
  expect(answer).toMatchObject({ status: 413, body: { kind: 'Status' } });
});

test('whatever has no route is denied and counted under bounded labels', async () => {
  for (const path of [
    '/api/v1/namespaces',
    '/apis/apps/v1/deployments',
    '/api/v1/endpoints',
    '/apis/rbac.authorization.k8s.io/v1/clusterroles',
    '/metrics',
  ]) {
    expect((await h.request(path, { as })).status, path).toBe(403);
  }
  expect((await h.request('/api/v1/namespaces/default/pods/mine?watch=true', { as })).status).toBe(400);
  expect((await h.request(podsPath(), { method: 'OPTIONS', as })).status).toBe(405);
  expect(await h.metric('nodeless_cell_api_requests_total', { resource: 'other' })).toBeGreaterThanOrEqual(5);
});

test('when the API server does not answer, the cell is told to try again', async () => {
  h.kube.intercept = ({ method }) => {
    if (method === 'PATCH') throw Object.assign(new Error('socket hang up'), { name: 'Error' });
    return undefined;
  };
  const path = `${podsPath()}/mine/status`;
  const answer = await h.request(path, {
    method: 'PATCH',
    as,
    body: { status: {} },
    contentType: 'application/strategic-merge-patch+json',
  });
  expect(answer.body).toMatchObject({ kind: 'Status', code: 500 });
  expect(JSON.stringify(answer.body)).not.toContain('hang up');
});

test('a port that is taken is named', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  const second = new Harness();
  await expect(second.start({ port })).rejects.toMatchObject({
    code: 'PortInUse',
    identity: { host: '127.0.0.1', port },
  });
  taken.close();
  await second.stop();
});
