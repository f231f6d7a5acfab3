import { describe, expect, test } from 'vitest';
import type { KubeClient, KubeRequest } from '../../../src/kube/client.ts';
import { fenced } from '../../../src/kube/fenced-client.ts';
import { answer, scriptedApiServer } from '../../support/scripted-api-server.ts';

async function withFence(heldForMs: number, ask: (client: KubeClient) => Promise<unknown>): Promise<string[]> {
  const seen: string[] = [];
  const server = await scriptedApiServer((request, response, { pathname }) => {
    seen.push(`${request.method} ${pathname}`);
    answer(response, 200, {});
  });
  try {
    await ask(fenced(server.client, () => heldForMs));
    return seen;
  } finally {
    await server.close();
  }
}

const WRITES: readonly KubeRequest[] = [
  { method: 'POST', path: '/api/v1/namespaces/a/events', body: {} },
  { method: 'POST', path: '/api/v1/namespaces/a/pods/p/eviction', body: {} },
  { method: 'PUT', path: '/api/v1/namespaces/a/pods/p', body: {} },
  { method: 'PATCH', path: '/api/v1/namespaces/a/pods/p/status', body: {} },
  { method: 'DELETE', path: '/api/v1/namespaces/a/pods/p' },
];

const QUESTIONS: readonly KubeRequest[] = [
  { method: 'GET', path: '/api/v1/pods' },
  { method: 'POST', path: '/apis/authentication.k8s.io/v1/tokenreviews', body: {} },
  { method: 'POST', path: '/apis/authorization.k8s.io/v1/subjectaccessreviews', body: {} },
  { method: 'POST', path: '/api/v1/namespaces/a/serviceaccounts/s/token', body: {} },
];

describe('a fenced client', () => {
  test.each(WRITES)('$method $path is not sent by a replica that may not act', async (request) => {
    const seen = await withFence(0, async (client) => {
      const as = client.as({ user: 'system:node:n', groups: [] });
      for (const each of [client, as]) {
        await expect(each.request(request)).rejects.toMatchObject({ code: 'NotLeading', retryable: true });
      }
    });
    expect(seen).toEqual([]);
  });

  test.each(QUESTIONS)('$method $path changes nothing, and is sent', async (request) => {
    const seen = await withFence(0, (client) => client.request(request));
    expect(seen).toEqual([`${request.method} ${request.path}`]);
  });

  test('a replica that may act writes', async () => {
    const seen = await withFence(4_000, async (client) => {
      for (const request of WRITES) await client.request(request);
    });
    expect(seen).toEqual(WRITES.map(({ method, path }) => `${method} ${path}`));
  });

  test('a replica that may act for a fraction of a millisecond more writes', async () => {
    const [write] = WRITES as [KubeRequest];
    expect(await withFence(10_720.000000003725, (client) => client.request(write))).toHaveLength(1);
  });

  test('a write is given up when the time is over for which no other can lead', async () => {
    const server = await scriptedApiServer(() => undefined);
    const write = fenced(server.client, () => 50).request({ method: 'PUT', path: '/api/v1/nodes/n', body: {} });
    await expect(write).rejects.toMatchObject({ code: 'KubeRequestFailed', retryable: true });
    await server.close();
  });
});
