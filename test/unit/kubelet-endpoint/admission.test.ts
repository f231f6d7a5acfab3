import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { newAuthority } from './support/authority.ts';
import { createRig, type Rig } from './support/rig.ts';

const NOBODY = { cert: '', key: '' };
let rig: Rig;
beforeEach(async () => {
  rig = await createRig();
});
afterEach(() => rig.close());

function reviews(kind: string): number {
  return rig.api.requests.filter(({ path }) => path.endsWith(kind)).length;
}

describe('who may ask', () => {
  test('nobody is let in without a proof of identity, not even to healthz', async () => {
    for (const path of ['/healthz', '/pods', '/metrics', '/exec/ns/pod/c', '/nothing']) {
      const answer = await rig.get(path, NOBODY);
      expect([path, answer.status, answer.body]).toEqual([path, 401, 'Unauthorized']);
    }
    expect(rig.api.requests).toEqual([]);
  });

  test('a client certificate gives CN as user and O as groups', async () => {
    const pair = await rig.clients.issue({ cn: 'kube-apiserver', o: ['one', 'two'] });
    rig.api.allowed.add('kube-apiserver get healthz');
    expect((await rig.get('/healthz', pair)).status).toBe(200);
    expect(rig.api.requests[0]?.body).toMatchObject({
      spec: {
        user: 'kube-apiserver',
        groups: ['one', 'two', 'system:authenticated'],
        resourceAttributes: { verb: 'get', version: 'v1', resource: 'nodes', subresource: 'healthz', name: 'vnode' },
      },
    });
  });

  test("certificates of another authority, of the cells' own, without a CN, or out of date prove nothing", async () => {
    const stranger = await (await newAuthority('cluster')).issue({ cn: 'admin' });
    const cell = await rig.own.issue({ cn: 'admin' });
    const nameless = await rig.clients.issue({ cn: '', o: ['system:masters'] });
    const expired = await rig.clients.issue({ cn: 'admin', notAfterMs: Date.now() - 1_000 });
    for (const pair of [stranger, cell, nameless, expired]) expect((await rig.get('/healthz', pair)).status).toBe(401);
  });

  test('without a client authority no certificate is believed, of public authorities neither', async () => {
    const bare = await createRig();
    const other = await createRig({ clientCaPem: '' });
    expect((await other.get('/healthz')).status).toBe(401);
    await other.close();
    await bare.close();
  });

  test('a token is reviewed once for many requests, also at the same time', async () => {
    rig.api.tokens.set('good', { username: 'prometheus', groups: ['monitoring'] });
    rig.api.allowed.add('prometheus get metrics');
    const options = { ...NOBODY, headers: { authorization: 'Bearer good' } };
    const answers = await Promise.all([1, 2, 3].map(() => rig.get('/metrics', options)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect([reviews('tokenreviews'), reviews('subjectaccessreviews')]).toEqual([1, 1]);
  });

  test.each(['Bearer bad', 'Bearer', 'Basic Z29vZA==', 'good', 'Bearer a b'])(
    '%s is refused',
    async (authorization) => {
      rig.api.tokens.set('good', { username: 'prometheus', groups: [] });
      expect((await rig.get('/metrics', { ...NOBODY, headers: { authorization } })).status).toBe(401);
    },
  );

  test('an API server that does not review refuses tokens, and certificates get an error', async () => {
    rig.api.down = true;
    const token = { ...NOBODY, headers: { authorization: 'Bearer good' } };
    expect((await rig.get('/metrics', token)).status).toBe(401);
    const answer = await rig.get('/metrics');
    expect([answer.status, answer.body]).toEqual([
      500,
      'Authorization error (user=admin, verb=get, resource=nodes, subresource=metrics)',
    ]);
  });
});

describe('what they may', () => {
  beforeEach(async () => {
    rig.api.tokens.set('t', { username: 'u', groups: [] });
  });
  const asU = { ...NOBODY, headers: { authorization: 'Bearer t' } };

  test.each([
    ['/pods', 'get pods'],
    ['/pods', 'get proxy'],
    ['/healthz', 'get healthz'],
    ['/healthz', 'get proxy'],
    ['/configz', 'get configz'],
    ['/metrics/resource', 'get metrics'],
    ['/stats/summary', 'get stats'],
    ['/runningpods/', 'get pods'],
  ])('%s is open to who may %s', async (path, grant) => {
    rig.api.allowed.add(`u ${grant}`);
    expect((await rig.get(path, asU)).status).toBe(200);
  });

  test.each([
    ['/metrics', 'get proxy', 'metrics'],
    ['/stats/summary', 'get proxy', 'stats'],
    ['/pods', 'create proxy', 'pods proxy'],
    ['/healthz', 'get metrics', 'healthz proxy'],
    ['/containerLogs/ns/pod/c', 'get log', 'proxy'],
    ['/exec/ns/pod/c', 'create proxy', 'proxy'],
  ])('%s is closed to who may only %s', async (path, grant, told) => {
    rig.api.allowed.add(`u ${grant}`);
    const answer = await rig.get(path, asU);
    expect([answer.status, answer.body]).toEqual([
      403,
      `Forbidden (user=u, verb=get, resource=nodes, subresource(s)=[${told}])\n`,
    ]);
  });

  test('what there is and what there is not look the same to who may not', async () => {
    for (const path of ['/run/ns/p/c', '/debug/pprof/', '/nothing', '/exec/../x', '/containerLogs/ns/pod/c']) {
      expect((await rig.get(path, asU)).status).toBe(403);
    }
  });

  test('what a virtual node does not have is not found', async () => {
    const paths = [
      '/run/ns/p/c',
      '/debug/pprof/',
      '/logs/',
      '/nothing',
      '/pods/',
      '/metrics/slis',
      '/checkpoint/ns/p/c',
    ];
    const answers = await Promise.all(paths.map((path) => rig.get(path)));
    expect(answers.map(({ status }) => status)).toEqual([405, 404, 404, 404, 200, 404, 404]);
  });

  test('HEAD answers without a body to who may everything', async () => {
    const answer = await rig.get('/healthz', { method: 'HEAD' });
    expect([answer.status, answer.headers['content-length'], answer.body]).toEqual([200, '2', '']);
  });

  test('requests are counted by route and status', async () => {
    await rig.get('/healthz');
    await rig.get('/metrics', NOBODY);
    await expect
      .poll(() => rig.registry.getSingleMetricAsString('nodeless_kubelet_endpoint_requests_total'))
      .toMatch(/route="healthz",code="200"} 1[\s\S]*route="metrics",code="401"} 1/);
  });
});
