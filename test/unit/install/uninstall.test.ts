import { describe, expect, test } from 'vitest';
import { MADE_LABEL } from '../../../src/core/names.ts';
import { Collections } from '../../../src/install/collections.ts';
import { installObjects } from '../../../src/install/objects.ts';
import { type Need, needText } from '../../../src/install/permissions.ts';
import { uninstall } from '../../../src/install/uninstall.ts';
import type { KubeClient, KubeRequest } from '../../../src/kube/client.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';
import { eagerClock } from '../../support/eager-clock.ts';

const NAMESPACE = 'one';
const CSRS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces';

function plural(kind: string): string {
  return kind.endsWith('y') ? `${kind.slice(0, -1)}ies`.toLowerCase() : `${kind}s`.toLowerCase();
}

/** What is asked for by a request, as authorization sees it. */
function needOf({ method, path }: KubeRequest): Need {
  const [, group = '', within = ''] = /^\/(?:api|apis\/([^/]+))\/[^/]+\/(.*)$/.exec(path) ?? [];
  const isNamespace = /^namespaces\/[^/]+$/.test(within);
  const [, namespace, rest = within] = isNamespace ? [] : (/^namespaces\/([^/]+)\/(.*)$/.exec(within) ?? []);
  const [resource = '', name, subresource] = rest.split('/');
  const read = name === undefined ? 'list' : 'get';
  const verb = { GET: read, POST: 'create', PATCH: 'patch', PUT: 'update', DELETE: 'delete' }[method] ?? method;
  return {
    ...{ verb, group, resource },
    ...(namespace === undefined ? {} : { namespace }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

/** A cluster with a virtual node of one pod, whose disruption budget allows its eviction after a while. */
async function cluster() {
  const config = { provider: 'simulated', virtualNode: { name: 'n' } };
  const installed = await installObjects({
    ...{ virtualNode: 'n', namespace: NAMESPACE },
    provider: { image: 'i', replicas: 1, config },
  });
  const clock = eagerClock();
  const stored = new Map<string, KubeObject>();
  const asked: Need[] = [];
  const done: Need[] = [];
  const evictionsMs: number[] = [];
  const failedOnce = new Set<string>();
  const faults = { areThere: false };

  function listOf(path: string): readonly KubeObject[] {
    if (path === '/api/v1/pods') return [...stored].filter(([at]) => at.includes('/pods/')).map(([, pod]) => pod);
    return [...stored].flatMap(([at, object]) => (at.slice(0, at.lastIndexOf('/')) === path ? [object] : []));
  }
  function serve(request: KubeRequest): { status: number; body: object } {
    const { method, path, body } = request;
    if (path.endsWith('/selfsubjectaccessreviews')) {
      asked.push((body as { spec: { resourceAttributes: Need } }).spec.resourceAttributes);
      return { status: 201, body: { status: { allowed: true } } };
    }
    if (faults.areThere && done.length > 0 && !failedOnce.has(`${method} ${path}`)) {
      failedOnce.add(`${method} ${path}`);
      return { status: 503, body: { message: 'the leader of etcd has changed' } };
    }
    if (/^\/(api\/v1|apis\/[^/]+\/[^/]+)$/.test(path)) {
      const resources = installed.map(({ kind = '', metadata }) => ({
        ...{ name: plural(kind), kind, namespaced: metadata.namespace !== undefined },
      }));
      return { status: 200, body: { resources } };
    }
    const need = needOf(request);
    if (need.verb === 'list') {
      if (path === CSRS) done.push(need);
      return { status: 200, body: { items: listOf(path) } };
    }
    if (method !== 'GET') done.push(need);
    if (need.subresource === 'eviction') {
      evictionsMs.push(clock.now());
      if (clock.now() < 20_000) return { status: 429, body: { message: 'Cannot evict pod' } };
      stored.delete(path.replace(/\/eviction$/, ''));
      return { status: 201, body: {} };
    }
    const object = stored.get(path);
    if (object === undefined) return { status: 404, body: {} };
    if (method === 'DELETE') stored.delete(path);
    return { status: 200, body: object };
  }
  const client = {
    async request(request: KubeRequest) {
      const { status, body } = serve(request);
      return { status, contentType: 'application/json', body: Buffer.from(JSON.stringify(body)) };
    },
  } as unknown as KubeClient;
  const collections = new Collections(client);
  for (const object of installed) stored.set((await collections.place(object)).path, object);
  const put = (path: string, more: object = {}) =>
    stored.set(path, { metadata: { name: path.split('/').at(-1) ?? '' }, ...more });
  put(`/api/v1/namespaces/${NAMESPACE}`, { metadata: { name: NAMESPACE, labels: { [MADE_LABEL]: 'install' } } });
  put('/api/v1/nodes/n');
  put(`${LEASES}/kube-node-lease/leases/n`);
  put(`${LEASES}/${NAMESPACE}/leases/nodeless-n`, { spec: { holderIdentity: '' } });
  put(`${CSRS}/csr-1`, { spec: { username: 'system:node:n' } });
  put('/apis/nodeless.io/v1alpha1/cells/c');
  put('/api/v1/namespaces/ns/pods/p', { metadata: { name: 'p', namespace: 'ns', uid: 'uid-p' } });
  const run = () =>
    uninstall({
      ...{ client, clock, signal: new AbortController().signal, virtualNode: 'n', namespace: NAMESPACE },
      ...{ timeoutMs: 60_000, tell: () => undefined },
    });
  return { run, stored, asked, done, evictionsMs, faults, failedOnce };
}

describe('an uninstallation', () => {
  test('leaves nothing, and has asked about all that it does before it does anything', async () => {
    const { run, stored, asked, done } = await cluster();
    expect(await run()).toEqual([]);
    expect([...stored.keys()]).toEqual([]);
    const isAskedFor = (need: Need) =>
      asked.some(
        ({ namespace, ...other }) =>
          needText(other) === needText({ ...need, namespace: undefined } as unknown as Need) &&
          (namespace === undefined || namespace === need.namespace),
      );
    expect(done.length).toBeGreaterThan(10);
    expect([...new Set(done.filter((need) => !isAskedFor(need)).map(needText))]).toEqual([]);
  });

  test('that has begun is finished though the API server fails each of its requests once', async () => {
    const { run, stored, faults, failedOnce } = await cluster();
    faults.areThere = true;
    expect(await run()).toEqual([]);
    expect([...stored.keys()]).toEqual([]);
    expect(failedOnce.size).toBeGreaterThan(20);
  });

  test('asks again for an eviction that a disruption budget forbids every 5 s, and not at each look', async () => {
    const { run, evictionsMs } = await cluster();
    await run();
    expect(evictionsMs).toEqual([0, 5_000, 10_000, 15_000, 20_000]);
  });
});
