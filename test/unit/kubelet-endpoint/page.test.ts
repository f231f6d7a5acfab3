import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Page } from '../../../src/kubelet-endpoint/ports.ts';
import { createRig, type Rig } from './support/rig.ts';

const NOBODY = { cert: '', key: '' };
let rig: Rig;
let served: (string | undefined)[];
let stopped: boolean;

beforeEach(async () => {
  served = [];
  stopped = false;
  const page: Page = {
    serve(name, _request, response) {
      served.push(name);
      response.end('a page');
    },
    stop() {
      stopped = true;
    },
  };
  rig = await createRig({ page });
  rig.api.tokens.set('t', { username: 'u', groups: [] });
});
afterEach(() => rig.close());

const asU = { ...NOBODY, headers: { authorization: 'Bearer t' } };
const PATHS = ['/ui', '/ui/', '/ui/page.js', '/ui/events', '/ui/nothing'];

describe('the page', () => {
  test('is for nobody without a proof of identity', async () => {
    for (const path of PATHS) expect((await rig.get(path, NOBODY)).status, path).toBe(401);
    expect(served).toEqual([]);
  });

  test('is for who may get the node’s metrics', async () => {
    rig.api.allowed.add('u get metrics');
    for (const path of [...PATHS, '/ui/events?x=1']) expect((await rig.get(path, asU)).status, path).toBe(200);
    expect(served).toEqual([undefined, '', 'page.js', 'events', 'nothing', 'events']);
  });

  test.each(['get proxy', 'get pods', 'create metrics', 'get stats'])('is closed to who may only %s', async (grant) => {
    rig.api.allowed.add(`u ${grant}`);
    for (const path of PATHS) {
      const { status, body } = await rig.get(path, asU);
      expect([path, status, body]).toEqual([
        path,
        403,
        'Forbidden (user=u, verb=get, resource=nodes, subresource(s)=[metrics])\n',
      ]);
    }
    expect(served).toEqual([]);
  });

  test('is read, and nothing else', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      expect((await rig.get('/ui/', { method })).status, method).toBe(405);
    }
    expect((await rig.get('/ui/', { method: 'HEAD' })).status).toBe(200);
  });

  test('ends with the endpoint', async () => {
    await rig.endpoint.stop();
    expect(stopped).toBe(true);
  });

  test('is not found where none is served', async () => {
    const bare = await createRig();
    expect((await bare.get('/ui/')).status).toBe(404);
    await bare.close();
  });
});
