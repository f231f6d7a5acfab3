import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MADE_LABEL } from '../../../src/core/names.ts';
import { install } from '../../../src/install/install.ts';
import { installObjects } from '../../../src/install/objects.ts';
import type { InstallOptions } from '../../../src/install/options.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';

const OPTIONS: InstallOptions = { virtualNode: 'n', namespace: 'nodeless-system', webhookUrl: 'https://10.0.0.5:9443' };

/** What an API server needs to know to keep what is applied: its kinds, and the objects by path. */
const stored = new Map<string, KubeObject>();
let kinds: readonly KubeObject[] = [];
let writes = 0;
/** What whoever asks may not do, as `verb resource`. */
let denied: readonly string[] = [];

function plural(kind: string): string {
  return kind.endsWith('y') ? `${kind.slice(0, -1)}ies`.toLowerCase() : `${kind}s`.toLowerCase();
}

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://any');
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const answer = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (request.method === 'PATCH') {
      writes++;
      stored.set(pathname, JSON.parse(Buffer.concat(chunks).toString()));
      return answer(200, {});
    }
    if (pathname.endsWith('/selfsubjectaccessreviews')) {
      const { verb, resource } = JSON.parse(Buffer.concat(chunks).toString()).spec.resourceAttributes;
      return answer(201, { status: { allowed: !denied.includes(`${verb} ${resource}`) } });
    }
    if (/^\/(api\/v1|apis\/[^/]+\/[^/]+)$/.test(pathname))
      return answer(200, {
        resources: kinds.map(({ kind = '' }) => ({ name: plural(kind), kind, namespaced: false })),
      });
    const object = stored.get(pathname);
    return object === undefined ? answer(404, { kind: 'Status', code: 404 }) : answer(200, object);
  });
});
const kubeConfig = new KubeConfig();

beforeAll(async () => {
  kinds = await installObjects({ virtualNode: 'n', namespace: 'nodeless-system' });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  kubeConfig.loadFromClusterAndUser(
    { name: 'c', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'u', token: 't' },
  );
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe('nodeless install', () => {
  test('applies all, again too, and writes nothing where it would take back what other flags set up', async () => {
    const { applied, undone } = await install(kubeConfig, OPTIONS);
    expect(applied).toContain('MutatingWebhookConfiguration/n.nodeless.io');
    expect(undone).toEqual([]);
    await install(kubeConfig, OPTIONS);
    expect(writes).toBe(2 * applied.length);
    const { webhookUrl: _, ...without } = OPTIONS;
    await expect(install(kubeConfig, without)).rejects.toMatchObject({
      code: 'WouldUndo',
      message: expect.stringContaining('instead of https://10.0.0.5:9443'),
    });
    expect(writes).toBe(2 * applied.length);
  });

  test('marks the namespace that it makes, and leaves one that was there before as it is', async () => {
    const path = '/api/v1/namespaces/nodeless-system';
    expect(stored.get(path)?.metadata.labels).toEqual({ [MADE_LABEL]: 'install' });
    const foreign = { metadata: { name: 'nodeless-system', labels: { team: 'a' } } };
    const made = stored.get(path) as KubeObject;
    stored.set(path, foreign);
    const { applied } = await install(kubeConfig, OPTIONS);
    expect([applied.includes('Namespace/nodeless-system'), stored.get(path)]).toEqual([false, foreign]);
    stored.set(path, made);
    expect((await install(kubeConfig, OPTIONS)).applied).toContain('Namespace/nodeless-system');
    expect(stored.get(path)?.metadata.labels).toEqual({ [MADE_LABEL]: 'install' });
  });

  test('takes it back when it is told to, and says what it was', async () => {
    const { undone } = await install(kubeConfig, { ...OPTIONS, webhookUrl: 'https://10.0.0.6:9443', force: true });
    expect(undone).toEqual(['the webhooks are called at https://10.0.0.6:9443 instead of https://10.0.0.5:9443']);
  });

  test('writes nothing for who may not do all of it, and names each verb and resource', async () => {
    const before = writes;
    denied = ['patch clusterroles', 'create validatingadmissionpolicies'];
    await expect(install(kubeConfig, { ...OPTIONS, force: true }).finally(() => (denied = []))).rejects.toMatchObject({
      code: 'Forbidden',
      message: expect.stringMatching(
        /more than .* may do: create validatingadmissionpolicies\.admissionregistration\.k8s\.io, patch clusterroles\.rbac\.authorization\.k8s\.io/,
      ),
    });
    expect(writes).toBe(before);
  });

  test('needs a cluster that has every kind, before it writes anything', async () => {
    const before = writes;
    const all = kinds;
    kinds = all.filter(({ kind }) => kind !== 'ValidatingAdmissionPolicy');
    await expect(install(kubeConfig, OPTIONS).finally(() => (kinds = all))).rejects.toMatchObject({
      code: 'NotFound',
      message: expect.stringContaining(
        'ValidatingAdmissionPolicy of admissionregistration.k8s.io/v1; Nodeless needs a newer',
      ),
    });
    expect(writes).toBe(before);
  });
});
