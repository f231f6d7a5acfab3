import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Credentials, Harness, NODE, pod, podsPath, tick } from './harness.ts';

const SECRETS = '/api/v1/namespaces/default/secrets';
const byName = (name: string) => `${SECRETS}?fieldSelector=metadata.name%3D${name}`;
let h: Harness;
let as: Credentials;

const secret = (name: string, value = 'x') => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'default', uid: `uid-${name}` },
  data: { value },
});
const using = (...names: string[]) => ({ volumes: names.map((name) => ({ name, secret: { secretName: name } })) });

beforeEach(async () => {
  h = new Harness();
  await h.start();
  as = await h.cell('a');
  h.kube.put(SECRETS, secret('mine'));
  h.kube.put(SECRETS, secret('other'));
  await h.handedOver('a', pod('mine', { spec: using('mine', 'absent') }));
  await h.handedOver('b', pod('other', { spec: using('other', 'mine') }));
});
afterEach(() => h.stop());

test('a Secret of the own pod is read, listed and watched as the node, over one shared watch upstream', async () => {
  expect((await h.request(`${SECRETS}/mine`, { as })).body.data).toEqual({ value: 'x' });
  const { body } = await h.request(byName('mine'), { as });
  expect(body.items).toHaveLength(1);
  const other = await h.cell('b');
  const query = `${byName('mine')}&watch=true&resourceVersion=${body.metadata.resourceVersion}`;
  const watches = [await h.watch(query, as), await h.watch(query, other)];
  h.kube.put(SECRETS, secret('mine', 'changed'));
  for (const watch of watches) await expect.poll(() => watch.seen()).toEqual(['MODIFIED mine']);
  expect(h.kube.watchesOf(SECRETS)).toBe(1);
  expect(
    h.kube.requests.filter(({ path }) => path === SECRETS).every(({ user }) => user === `system:node:${NODE}`),
  ).toBe(true);
});

test('the upstream watch ends a while after its last user', async () => {
  const watch = await h.watch(`${byName('mine')}&watch=true`, as);
  expect(h.kube.watchesOf(SECRETS)).toBe(1);
  h.clock.advance(120_000);
  await tick(60);
  expect(h.kube.watchesOf(SECRETS)).toBe(1);
  watch.stream.close();
  await tick();
  h.clock.advance(59_000);
  await tick(60);
  expect(h.kube.watchesOf(SECRETS)).toBe(1);
  h.clock.advance(2_000);
  await expect.poll(() => h.kube.watchesOf(SECRETS)).toBe(0);
});

test('a Secret that is missing is an empty list and a 404, and is told when it comes', async () => {
  expect((await h.request(`${SECRETS}/absent`, { as })).body).toMatchObject({ code: 404, reason: 'NotFound' });
  const { body } = await h.request(byName('absent'), { as });
  expect(body.items).toEqual([]);
  const watch = await h.watch(`${byName('absent')}&watch=true&resourceVersion=${body.metadata.resourceVersion}`, as);
  h.kube.put(SECRETS, secret('absent'));
  await expect.poll(() => watch.seen()).toEqual(['ADDED absent']);
});

test("another pod's Secret, and one that is not there, are the same 403", async () => {
  const answers = await Promise.all(
    [`${SECRETS}/other`, `${SECRETS}/nowhere`, byName('other'), `${byName('other')}&watch=true`, byName('nowhere')].map(
      (path) => h.request(path, { as }),
    ),
  );
  for (const { status, body } of answers) {
    expect(status).toBe(403);
    expect(body).toEqual(answers[0]?.body);
    expect(JSON.stringify(body)).not.toContain('uid');
  }
  expect(await h.metric('nodeless_cell_api_denials_total', { reason: 'foreign-object' })).toBe(5);
  expect(h.kube.requests.some(({ path }) => path.includes('/secrets'))).toBe(false);
});

test('all Secrets, of a namespace or of the cluster, are denied', async () => {
  for (const path of [
    SECRETS,
    '/api/v1/secrets',
    `${SECRETS}?labelSelector=a`,
    '/api/v1/secrets?fieldSelector=metadata.name%3Dmine',
    '/api/v1/namespaces/other/secrets/mine',
  ]) {
    expect((await h.request(path, { as })).status, path).toBe(403);
  }
  expect((await h.request(`${SECRETS}?fieldSelector=type%3DOpaque`, { as })).status).toBe(400);
  expect((await h.request(`${SECRETS}/mine`, { method: 'DELETE', as })).status).toBe(403);
  expect((await h.request(`${SECRETS}/mine`, { method: 'PUT', as, body: secret('mine') })).status).toBe(403);
});

test('paths that could be read in two ways are not found', async () => {
  const tricks = [
    '/api/v1/namespaces/default/secrets/%6dine',
    '/api/v1/namespaces/default%2fsecrets/mine',
    '/api/v1/namespaces/default/pods/..%2fsecrets/other',
    '/api/v1/namespaces/default/pods/../secrets/other',
    '/api/v1/namespaces/default/./secrets/mine',
    '//api/v1/namespaces/default/secrets/mine',
    '/api/v1//namespaces/default/secrets/mine',
    '/api/v1/namespaces/default/secrets/mine/',
    '/api/v1/namespaces/default/secrets/mine;x',
    '/api/v1/namespaces/default/secrets\\mine',
    '/api/v1/namespaces/default/secrets/mine%00',
    '/api/v1/namespaces/default/secrets/mine/status/extra',
    '/%zz',
    '/',
  ];
  for (const path of tricks) {
    for (const answer of [await h.request(path, { as }), await h.request1(path, { as })]) {
      expect([400, 404], path).toContain(answer.status);
      expect(answer.body.kind, path).toBe('Status');
    }
  }
  for (const path of [
    '/API/v1/namespaces/default/secrets/mine',
    '/api/V1/namespaces/default/secrets/mine',
    '/api/v1/namespaces/default/Secrets/mine',
    '/api/v1/namespaces/default/secrets/mine/status',
  ]) {
    expect((await h.request(path, { as })).status, path).toBe(403);
  }
});

test('when the pod is gone, its Secrets are, and their watches end', async () => {
  const watch = await h.watch(`${byName('mine')}&watch=true`, as);
  h.kube.remove(podsPath(), 'mine');
  await tick();
  expect((await h.request(`${SECRETS}/mine`, { as })).status).toBe(403);
  h.clock.advance(6_000);
  await expect.poll(() => watch.ended).toBe(true);
});

const tokenPath = (account: string) => `/api/v1/namespaces/default/serviceaccounts/${account}/token`;
const tokenRequest = (name: string, uid = `uid-${name}`) => ({
  spec: { audiences: ['api'], boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } },
});

test('a token is only for the own pod’s service account, bound to the pod', async () => {
  const ask = async (account: string, body: object) =>
    (await h.request(tokenPath(account), { method: 'POST', as, body })).status;
  expect(await ask('default', tokenRequest('mine'))).toBe(201);
  expect(h.kube.requests.at(-1)).toMatchObject({ user: `system:node:${NODE}`, body: tokenRequest('mine') });
  const before = h.kube.requests.length;
  expect(await ask('admin', tokenRequest('mine'))).toBe(403);
  expect(await ask('default', tokenRequest('other'))).toBe(403);
  expect(await ask('default', tokenRequest('mine', 'uid-other'))).toBe(403);
  expect(await ask('default', { spec: { audiences: ['api'] } })).toBe(403);
  expect(
    await ask('default', {
      spec: { boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name: 'mine', uid: 'uid-mine' } },
    }),
  ).toBe(403);
  expect(h.kube.requests.length).toBe(before);
});

test('claims of the own pods and their volumes are read, others are denied', async () => {
  const CLAIMS = '/api/v1/namespaces/default/persistentvolumeclaims';
  h.kube.put(CLAIMS, {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data', namespace: 'default' },
    spec: { volumeName: 'pv-1' },
  });
  h.kube.put('/api/v1/persistentvolumes', { metadata: { name: 'pv-1' } });
  h.kube.put('/api/v1/persistentvolumes', { metadata: { name: 'pv-2' } });
  await h.handedOver(
    'a',
    pod('stateful', { spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] } }),
  );
  expect((await h.request(`${CLAIMS}/data`, { as })).status).toBe(200);
  expect((await h.request(`${CLAIMS}/other`, { as })).status).toBe(403);
  expect((await h.request(CLAIMS, { as })).status).toBe(403);
  expect((await h.request('/api/v1/persistentvolumes/pv-1', { as })).status).toBe(200);
  expect((await h.request('/api/v1/persistentvolumes/pv-2', { as })).status).toBe(403);
});
