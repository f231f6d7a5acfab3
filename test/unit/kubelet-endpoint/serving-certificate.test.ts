import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import type { KubeRequest } from '../../../src/kube/client.ts';
import { createCellClient } from '../../../src/kubelet-endpoint/cell-client.ts';
import { createExpiringCache } from '../../../src/kubelet-endpoint/expiring-cache.ts';
import { createKubeletEndpoint } from '../../../src/kubelet-endpoint/server.ts';
import { rotationTime } from '../../../src/kubelet-endpoint/serving-certificate.ts';
import { newAuthority } from './support/authority.ts';
import { fakeApi } from './support/fake-api.ts';
import { createRig, drain, type Rig } from './support/rig.ts';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

function servedBy(port: number): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      const certificate = socket.getPeerX509Certificate();
      socket.destroy();
      if (certificate === undefined) reject(new Error('no certificate'));
      else resolve(certificate);
    }).on('error', reject);
  });
}

/** An API server whose signer issues once the request is approved. */
async function signingApi() {
  const api = fakeApi();
  const authority = await newAuthority('cluster');
  const csrs: { spec: { request: string; signerName: string; usages: string[] }; status?: Record<string, unknown> }[] =
    [];
  api.other = (request: KubeRequest) => {
    if (!request.path.includes('certificatesigningrequests')) return undefined;
    if (request.method === 'POST') {
      csrs.push(request.body as (typeof csrs)[number]);
      return { ...(request.body as object), metadata: { name: `csr-${csrs.length}`, resourceVersion: '7' } };
    }
    if (request.method === 'PUT') {
      Object.assign(csrs.at(-1) ?? {}, { approved: true });
      return {};
    }
    return { metadata: { name: 'csr-1' }, status: (csrs.at(-1) as { status?: unknown }).status ?? {} };
  };
  return { api, authority, csrs };
}

describe('the serving certificate', () => {
  test('is asked of the kubelet-serving signer as it wants it, approved, and served without a restart', async () => {
    const { api, authority, csrs } = await signingApi();
    rig = await createRig({
      client: api.client,
      certificate: { from: 'signer', approval: 'self', nodeClient: api.client },
    });
    expect((await servedBy(rig.port)).issuer).toContain('CN=system:node:vnode');
    await expect.poll(() => csrs.length).toBe(1);
    const csr = new Pkcs10CertificateRequest(Buffer.from(csrs[0]?.spec.request ?? '', 'base64').toString());
    expect(csr.subject).toBe('O=system:nodes, CN=system:node:vnode');
    expect(await csr.verify()).toBe(true);
    expect(csrs[0]?.spec).toMatchObject({
      signerName: 'kubernetes.io/kubelet-serving',
      usages: ['digital signature', 'server auth'],
    });
    const put = api.requests.find(({ method }) => method === 'PUT');
    expect(put?.path).toBe('/apis/certificates.k8s.io/v1/certificatesigningrequests/csr-1/approval');
    expect(put?.body).toMatchObject({
      metadata: { resourceVersion: '7' },
      status: { conditions: [{ type: 'Approved', status: 'True' }] },
    });
    const open = await rig.dial();
    const certificate = await authority.sign(Buffer.from(csrs[0]?.spec.request ?? '', 'base64').toString());
    Object.assign(csrs[0] ?? {}, { status: { certificate: Buffer.from(certificate).toString('base64') } });
    await expect.poll(async () => (await servedBy(rig?.port ?? 0)).issuer).toBe('CN=cluster');
    expect((await servedBy(rig.port)).subjectAltName).toBe('IP Address:127.0.0.1');
    open.end('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect((await drain(open)).toString()).toMatch(/^HTTP\/1.1 /);
  });

  test('an external approver is waited for', async () => {
    const { api, csrs } = await signingApi();
    rig = await createRig({
      client: api.client,
      certificate: { from: 'signer', signerName: 'example.com/x', approval: 'external', nodeClient: api.client },
    });
    await expect.poll(() => csrs.length).toBe(1);
    expect(csrs[0]?.spec.signerName).toBe('example.com/x');
    expect(api.requests.some(({ method }) => method === 'PUT')).toBe(false);
  });

  test('one that may not approve its request has the same request approved by somebody else', async () => {
    const { api, authority, csrs } = await signingApi();
    const refusal = {
      status: 403,
      contentType: 'application/json',
      body: Buffer.from('{"kind":"Status","message":"may not approve"}'),
    };
    const client = {
      ...api.client,
      request: async (request: KubeRequest) => (request.method === 'PUT' ? refusal : api.client.request(request)),
    };
    rig = await createRig({ client, certificate: { from: 'signer', approval: 'self', nodeClient: api.client } });
    await expect.poll(() => csrs.length, { timeout: 20_000 }).toBe(1);
    const certificate = await authority.sign(Buffer.from(csrs[0]?.spec.request ?? '', 'base64').toString());
    Object.assign(csrs[0] ?? {}, { status: { certificate: Buffer.from(certificate).toString('base64') } });
    await expect.poll(async () => (await servedBy(rig?.port ?? 0)).issuer, { timeout: 20_000 }).toBe('CN=cluster');
    expect(csrs).toHaveLength(1);
  });

  test('an API server that is away holds up neither the start nor the stop', async () => {
    const api = fakeApi();
    api.down = true;
    rig = await createRig({
      client: api.client,
      certificate: { from: 'signer', approval: 'self', nodeClient: api.client },
    });
    expect((await servedBy(rig.port)).subjectAltName).toBe('IP Address:127.0.0.1');
  });

  test('is renewed after 70 to 90 % of its life', async () => {
    const { cert } = await (await newAuthority('x')).issue({ cn: 'y' });
    const { validFrom, validTo } = new X509Certificate(cert);
    const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
    expect(rotationTime(cert, 0)).toBeCloseTo(from + (to - from) * 0.7);
    expect(rotationTime(cert, 1)).toBeCloseTo(from + (to - from) * 0.9);
  });
});

describe('the client authority', () => {
  test('is read from the cluster, and believed from then on', async () => {
    const { api } = await signingApi();
    api.allowed.add('admin *');
    const clients = await newAuthority('cluster');
    api.other = ({ path }) =>
      path === '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication'
        ? { data: { 'client-ca-file': clients.pem } }
        : undefined;
    const endpoint = createKubeletEndpoint({
      nodeName: 'vnode',
      ...{ host: '127.0.0.1', port: 0, addresses: ['127.0.0.1'] },
      cells: { ofPod: () => ({ missing: 'x' }), running: () => [] },
      cellClient: createCellClient(() => ({ cert: '', key: '', ca: '' }), 5_000),
      client: api.client,
      pods: { synced: false, items: () => [] },
      certificate: { from: 'self-signed' },
      registry: new Registry(),
      logger: pino({ level: 'silent' }),
      clock: systemClock,
    });
    const { port } = await endpoint.start(new AbortController().signal);
    const admin = await clients.issue({ cn: 'admin' });
    rig = await createRig();
    const answer = await rig.get('/pods', { port, ...admin });
    expect([answer.status, answer.body]).toEqual([503, 'the pods of this node are not known yet\n']);
    await endpoint.stop();
  });
});

describe('life', () => {
  test('a port that is taken is named', async () => {
    rig = await createRig();
    await expect(createRig({ port: rig.port })).rejects.toMatchObject({
      code: 'PortInUse',
      message: expect.stringContaining(`127.0.0.1 port ${rig.port}`),
      identity: { host: '127.0.0.1', port: rig.port },
    });
  });

  test('who leads again starts another endpoint with the same registry', async () => {
    rig = await createRig();
    const second = await createRig({ registry: rig.registry });
    await second.close();
  });

  test('a cache keeps no more than it may', async () => {
    const cache = createExpiringCache<number>(systemClock, 3);
    for (let index = 0; index < 10; index++)
      await cache.get(String(index), async () => ({ value: index, ttlMs: 1_000 }));
    expect(cache.size).toBe(3);
    await expect(cache.get('bad', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await cache.get('bad', async () => ({ value: 1, ttlMs: 1 }))).toBe(1);
  });
});
