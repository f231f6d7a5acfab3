import { expect, test } from 'vitest';
import { installed } from '../../../src/install/survey.ts';
import type { KubeClient } from '../../../src/kube/client.ts';

/** Answers lists by the last part of their path. */
function clientWith(lists: Readonly<Record<string, readonly object[]>>): KubeClient {
  const request: KubeClient['request'] = async ({ path }) => ({
    status: 200,
    contentType: 'application/json',
    body: Buffer.from(JSON.stringify({ items: lists[path.split('/').at(-1) ?? ''] ?? [] })),
  });
  return { request } as KubeClient;
}

test('a role that is only called like ours is no virtual node', async () => {
  const rules = [{ resources: ['users'], resourceNames: ['system:node:n-a'], verbs: ['impersonate'] }];
  const client = clientWith({
    clusterroles: [
      { metadata: { name: 'nodeless:n' }, rules },
      { metadata: { name: 'nodeless:coredns' }, rules: [] },
    ],
    clusterrolebindings: [{ metadata: { name: 'nodeless:n' }, subjects: [{ namespace: 'one' }] }],
  });
  expect([...(await installed(client))]).toEqual([['n', 'one']]);
});
