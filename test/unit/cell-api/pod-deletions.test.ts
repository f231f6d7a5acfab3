import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Credentials, Harness, pod, podsPath } from './harness.ts';

const path = `${podsPath()}/mine`;
let h: Harness;
let as: Credentials;

beforeEach(async () => {
  h = new Harness();
  await h.start();
  as = await h.cell('a');
  await h.handedOver('a', pod('mine'));
});
afterEach(() => h.stop());

test('a dry run of a deletion stays one, though the API server does not read the query beside a body', async () => {
  await h.request(`${path}?dryRun=All`, { method: 'DELETE', as });
  expect(h.kube.requests.at(-1)).toMatchObject({
    method: 'DELETE',
    body: { kind: 'DeleteOptions', apiVersion: 'v1', dryRun: ['All'], preconditions: { uid: 'uid-mine' } },
  });
});

test('a deletion with another object as its options does not reach the API server', async () => {
  const before = h.kube.requests.length;
  const body = { kind: 'Eviction', apiVersion: 'policy/v1' };
  expect((await h.request(path, { method: 'DELETE', as, body })).status).toBe(400);
  expect(h.kube.requests.length).toBe(before);
});
