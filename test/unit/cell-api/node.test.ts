import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Credentials, Harness, knownCell, NODE, NODES, tick } from './harness.ts';

const STRATEGIC = 'application/strategic-merge-patch+json';
const ME = `${NODES}/${NODE}`;
const BY_NAME = `${NODES}?fieldSelector=metadata.name%3D${NODE}`;
let h: Harness;
let as: Credentials;

beforeEach(async () => {
  h = new Harness();
  await h.start();
  as = await h.cell('a');
});
afterEach(() => h.stop());

const patch = (body: object, path = `${ME}/status`) =>
  h.request(path, { method: 'PATCH', as, body, contentType: STRATEGIC });
const writes = () => h.kube.requests.filter(({ method }) => method !== 'GET').length;

test("the served Node is the virtual node's, with the cell's own addresses from the first answer", async () => {
  h.book.cells.set('a', knownCell('a', ['10.1.2.3', 'fd00::3']));
  const { body } = await h.request(ME, { as });
  expect(body.metadata).toMatchObject({
    name: NODE,
    uid: 'node-uid',
    labels: {
      'kubernetes.io/hostname': NODE,
      'kubernetes.io/arch': 'amd64',
      'kubernetes.io/os': 'linux',
      'node.kubernetes.io/instance-type': 'local.small',
      'topology.kubernetes.io/zone': 'zone-a',
    },
  });
  expect(body.spec.taints).toHaveLength(1);
  expect(body.status.addresses).toEqual([
    { type: 'InternalIP', address: '10.1.2.3' },
    { type: 'InternalIP', address: 'fd00::3' },
    { type: 'Hostname', address: NODE },
  ]);
  expect(body.status.allocatable).toMatchObject({ cpu: '2', memory: '4Gi' });
  const list = await h.request(BY_NAME, { as });
  expect(list.body).toMatchObject({ kind: 'NodeList', items: [body] });
  expect(list.body.metadata.resourceVersion).toBe(body.metadata.resourceVersion);
});

test('node status is merged in memory, told to the cell’s own watches only, reported, and never sent upstream', async () => {
  const other = await h.cell('b');
  const [mine, others] = [await h.watch(`${BY_NAME}&watch=true`, as), await h.watch(`${BY_NAME}&watch=true`, other)];
  const before = writes();
  const answer = await patch({
    metadata: { annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' } },
    status: {
      '$setElementOrder/conditions': [{ type: 'Ready' }],
      conditions: [{ type: 'Ready', status: 'True' }],
      allocatable: { cpu: '1900m' },
      nodeInfo: { kubeletVersion: 'v1.34.4' },
    },
  });
  expect(answer.body.status).toMatchObject({
    conditions: [{ type: 'Ready', status: 'True' }],
    allocatable: { cpu: '1900m', memory: '4Gi' },
    nodeInfo: { kubeletVersion: 'v1.34.4', operatingSystem: 'linux' },
  });
  expect((await h.request(ME, { as })).body).toEqual(answer.body);
  await expect.poll(() => mine.seen()).toEqual([`ADDED ${NODE}`, `MODIFIED ${NODE}`]);
  expect(others.seen()).toEqual([`ADDED ${NODE}`]);
  expect((await h.request(ME, { as: other })).body.status.conditions).toBeUndefined();
  expect(h.book.statuses.at(-1)).toMatchObject({ cellId: 'a', node: { status: { allocatable: { cpu: '1900m' } } } });
  expect(writes()).toBe(before);
});

test('a patch against what a provider before this one had is a sign of life, not yet a status', async () => {
  const ready = { type: 'Ready', lastHeartbeatTime: 'now' };
  await patch({ status: { conditions: [ready] } });
  expect(h.book.statuses).toEqual([]);
  expect(h.book.heartbeats).toEqual(['a']);
  await patch({ status: { conditions: [{ type: 'Ready', status: 'True' }] } });
  expect(h.book.statuses).toHaveLength(1);
});

test('labels are absorbed, taints stay the virtual node’s', async () => {
  const { body } = await patch(
    { metadata: { labels: { extra: 'x', 'kubernetes.io/hostname': null } }, spec: { taints: [] } },
    ME,
  );
  expect(body.metadata.labels.extra).toBe('x');
  expect(body.metadata.labels['kubernetes.io/hostname']).toBeUndefined();
  expect(body.spec.taints).toHaveLength(1);
});

test('a change of the virtual node reaches the watches, a change of its own status does not', async () => {
  const watch = await h.watch(`${BY_NAME}&watch=true`, as);
  const node = h.kube.get(NODES, NODE);
  if (node === undefined) throw new Error('no node');
  h.kube.put(NODES, { ...node, status: { conditions: [{ type: 'Ready', status: 'True' }] } });
  await tick();
  expect(watch.seen()).toEqual([`ADDED ${NODE}`]);
  h.kube.put(NODES, { ...node, spec: { taints: [], unschedulable: true } });
  await expect.poll(() => watch.seen()).toEqual([`ADDED ${NODE}`, `MODIFIED ${NODE}`]);
  h.kube.remove(NODES, NODE);
  await tick();
  expect((await h.request(ME, { as })).status).toBe(200);
});

test('other nodes are denied, and registering finds the node that is there', async () => {
  expect((await h.request(NODES, { as })).status).toBe(403);
  expect((await h.request(`${NODES}/other`, { as })).status).toBe(403);
  expect((await h.request(ME, { method: 'DELETE', as })).status).toBe(403);
  const created = await h.request(NODES, { method: 'POST', as, body: { metadata: { name: NODE } } });
  expect(created.body).toMatchObject({ code: 409, reason: 'AlreadyExists' });
});

test('leases are absorbed per cell and are heartbeats', async () => {
  const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
  const before = writes();
  expect((await h.request(`${LEASES}/${NODE}`, { as })).status).toBe(404);
  const lease = { metadata: { name: NODE }, spec: { holderIdentity: NODE } };
  const created = await h.request(LEASES, { method: 'POST', as, body: lease });
  expect(created).toMatchObject({
    status: 201,
    body: { kind: 'Lease', metadata: { name: NODE, namespace: 'kube-node-lease' } },
  });
  expect((await h.request(LEASES, { method: 'POST', as, body: lease })).body.reason).toBe('AlreadyExists');
  const updated = await h.request(`${LEASES}/${NODE}`, {
    method: 'PUT',
    as,
    body: { ...created.body, spec: { renewTime: 'now' } },
  });
  expect(updated.body).toMatchObject({ spec: { renewTime: 'now' }, metadata: { uid: created.body.metadata.uid } });
  expect(h.book.heartbeats).toEqual(['a', 'a']);
  const other = await h.cell('b');
  expect((await h.request(`${LEASES}/${NODE}`, { as: other })).status).toBe(404);
  // What a provider before this one has kept may be updated.
  expect((await h.request(`${LEASES}/${NODE}`, { method: 'PUT', as: other, body: lease })).status).toBe(200);
  expect((await h.request(`${LEASES}/other`, { method: 'PUT', as, body: lease })).status).toBe(403);
  expect((await h.request('/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/x', { as })).status).toBe(403);
  expect(writes()).toBe(before);
});

test('CSINodes and resource slices are absorbed', async () => {
  const CSINODES = '/apis/storage.k8s.io/v1/csinodes';
  expect((await h.request(`${CSINODES}/${NODE}`, { as })).status).toBe(404);
  expect(
    (await h.request(CSINODES, { method: 'POST', as, body: { metadata: { name: NODE }, spec: { drivers: [] } } }))
      .status,
  ).toBe(201);
  const drivers = { spec: { drivers: [{ name: 'd', nodeID: 'n' }] } };
  expect(
    (await h.request(`${CSINODES}/${NODE}`, { method: 'PATCH', as, body: drivers, contentType: STRATEGIC })).body.spec,
  ).toEqual(drivers.spec);
  expect((await h.request(`${CSINODES}/${NODE}`, { method: 'DELETE', as })).status).toBe(200);
  expect((await h.request(`${CSINODES}/${NODE}`, { as })).status).toBe(404);
  const slices = `/apis/resource.k8s.io/v1/resourceslices?fieldSelector=spec.nodeName%3D${NODE}`;
  expect((await h.request(slices, { as })).body.items).toEqual([]);
  expect((await h.request(slices, { method: 'DELETE', as })).body.status).toBe('Success');
  expect((await h.request(slices, { method: 'DELETE', as, body: {} })).status).toBe(200);
});
