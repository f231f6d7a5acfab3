import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, onTestFinished, test } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { systemClock } from '../../../src/core/clock.ts';
import { createKubeClient } from '../../../src/kube/client.ts';
import { replicaIdentity } from '../../../src/kube/replica-identity.ts';
import { answer, scriptedApiServer } from '../../support/scripted-api-server.ts';

/** The User-Agent of a request, a stream, and a request as a node. */
async function userAgents(replica?: string): Promise<readonly (string | undefined)[]> {
  const seen: (string | undefined)[] = [];
  const { origin, close } = await scriptedApiServer((request, response) => {
    seen.push(request.headers['user-agent']);
    answer(response, 200, {});
  });
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'c', server: origin, skipTLSVerify: true }, { name: 'u', token: 't' });
  const client = await createKubeClient(config, systemClock, replica);
  onTestFinished(async () => {
    await client.close();
    await close();
  });
  await client.request({ method: 'GET', path: '/one' });
  (await client.stream({ method: 'GET', path: '/two' })).body.resume();
  await client.as({ user: 'system:node:vnode', groups: ['system:nodes'] }).request({ method: 'GET', path: '/three' });
  return seen;
}

describe('the User-Agent', () => {
  test('names the version and the replica on every request, impersonated or not', async () => {
    const { identity } = await replicaIdentity();
    const expected = `nodeless/${packageJson.version} (${identity})`;
    expect(await userAgents(identity)).toEqual([expected, expected, expected]);
  });

  test('names no replica where there is none', async () => {
    expect(new Set(await userAgents())).toEqual(new Set([`nodeless/${packageJson.version}`]));
  });
});

describe('leases', () => {
  test('are renewed while all other connections wait for answers', async () => {
    let waiting = 0;
    const { client, close } = await scriptedApiServer((request, response) => {
      if (request.url?.startsWith('/apis/coordination.k8s.io/')) answer(response, 200, {});
      else waiting += 1;
    });
    onTestFinished(close);
    const others = Array.from({ length: 200 }, () => client.request({ method: 'GET', path: '/one' }));
    for (const other of others) other.catch(() => undefined);
    await expect.poll(() => waiting).toBe(64);
    const path = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/vnode';
    expect((await client.request({ method: 'PATCH', path, timeoutMs: 3_000 })).status).toBe(200);
  });
});

describe('a stream', () => {
  test('that is silent for longer than it may be fails, and one that may be for ever does not', async () => {
    const { origin, close } = await scriptedApiServer((_request, response) => {
      setTimeout(() => response.end('late'), 2_500);
    });
    const config = new KubeConfig();
    config.loadFromClusterAndUser({ name: 'c', server: origin, skipTLSVerify: true }, { name: 'u', token: 't' });
    const client = await createKubeClient(config, systemClock);
    onTestFinished(async () => {
      await client.close();
      await close();
    });
    const asked = (idleTimeoutMs: number) => client.stream({ method: 'GET', path: '/log', idleTimeoutMs });
    const [short, endless] = await Promise.allSettled([asked(1), asked(0)]);
    expect(short).toMatchObject({ status: 'rejected', reason: { code: 'KubeRequestFailed' } });
    expect(endless.status === 'fulfilled' && (await endless.value.body.toArray()).join('')).toBe('late');
  });
});
