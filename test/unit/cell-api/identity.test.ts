import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { authorityOf } from '../../../src/cell-api/authority/authority.ts';
import { createAuthorityPair } from '../../../src/pki/certificates.ts';
import { CSRS, csrObject, Harness, knownCell, makeCsr, NODE, over, pod } from './harness.ts';

const PODS = `/api/v1/pods?fieldSelector=spec.nodeName%3D${NODE}`;
let h: Harness;

beforeEach(async () => {
  h = new Harness();
  await h.start();
});
afterEach(() => h.stop());

test('a cell lists its pods over HTTP/2 and HTTP/1.1', async () => {
  const as = await h.cell('a');
  await h.handedOver('a', pod('mine'));
  await h.handedOver('b', pod('other'));
  for (const answer of [await h.request(PODS, { as }), await h.request1(PODS, { as })]) {
    expect(answer.status).toBe(200);
    expect(answer.body.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual(['mine']);
    expect(answer.body.kind).toBe('PodList');
  }
});

test('no certificate is answered with 401, over both protocols', async () => {
  for (const answer of [await h.request(PODS), await h.request1(PODS)]) {
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ kind: 'Status', reason: 'Unauthorized', code: 401 });
  }
  expect(await h.metric('nodeless_cell_api_denials_total', { reason: 'no-credentials' })).toBe(2);
});

test('a certificate of another authority with the same names is answered with 401', async () => {
  await h.cell('a');
  const other = await authorityOf(await createAuthorityPair('test', h.clock.now()), { clock: h.clock });
  const as = await h.certificate('a', other);
  expect((await h.request(PODS, { as })).status).toBe(401);
  expect((await h.request1(PODS, { as })).status).toBe(401);
  expect(await h.metric('nodeless_cell_api_denials_total', { reason: 'bad-certificate' })).toBe(2);
});

test('a certificate that expires while its connection and its watch are open is good no more', async () => {
  const as = await h.cell('a');
  const session = h.session(as);
  const watch = await h.watch(`${PODS}&watch=true`, as);
  expect((await over(session, PODS)).status).toBe(200);
  h.clock.advance(8 * 24 * 3_600_000);
  expect((await over(session, PODS)).status).toBe(401);
  await expect.poll(() => watch.ended).toBe(true);
  expect(await h.metric('nodeless_cell_api_denials_total', { reason: 'expired-certificate' })).toBe(1);
});

test("a serving certificate, and the provider's, are no cell's identity", async () => {
  const { certPem: cert, keyPem: key } = await h.authority.issueServing(['127.0.0.1']);
  expect((await h.request(PODS, { as: { cert, key } })).status).toBe(401);
  const provider = await h.authority.issueProviderClient();
  expect((await h.request(PODS, { as: { cert: provider.certPem, key: provider.keyPem } })).status).toBe(401);
});

test('the certificate of an ended cell is answered with 401 and its watches end', async () => {
  const as = await h.cell('a');
  const watch = await h.watch(`${PODS}&watch=true`, as);
  h.book.cells.delete('a');
  await expect.poll(() => watch.ended).toBe(true);
  expect((await h.request(PODS, { as })).status).toBe(401);
  expect(await h.metric('nodeless_cell_api_denials_total', { reason: 'unknown-cell' })).toBe(1);
});

test('before the book is complete an unknown cell is told to come back, not that it is nobody', async () => {
  h.book.complete = false;
  const answer = await h.request(PODS, { as: await h.certificate('a') });
  expect(answer.status).toBe(503);
  expect(answer.headers['retry-after']).toBe('1');
});

test('a token is good for one key: the same may retry, another is refused and reported', async () => {
  h.book.cells.set('a', knownCell('a'));
  const used = new Map<string, string>();
  h.attest = async ({ token, keyFingerprint }) => {
    if (token !== 'good-token') return { outcome: 'unknown' };
    const first = used.get(token) ?? keyFingerprint;
    used.set(token, first);
    return { outcome: first === keyFingerprint ? 'accepted' : 'reused', cellId: 'a' };
  };
  const { csr, key } = await makeCsr();
  const first = await h.request(CSRS, { method: 'POST', token: 'good-token', body: csrObject(csr) });
  const again = await h.request(CSRS, { method: 'POST', token: 'good-token', body: csrObject(csr) });
  expect([first.status, again.status]).toEqual([201, 201]);
  const thief = await makeCsr();
  const stolen = await h.request(CSRS, { method: 'POST', token: 'good-token', body: csrObject(thief.csr) });
  expect(stolen.status).toBe(401);
  expect(stolen.body.status.certificate).toBeUndefined();
  expect(h.reused).toEqual([{ cellId: 'a', remoteAddress: '127.0.0.1' }]);
  expect(await h.metric('nodeless_cell_api_denials_total', { reason: 'reused-token' })).toBe(1);
  const unknown = await h.request(CSRS, { method: 'POST', token: 'other-token', body: csrObject(csr) });
  expect(unknown.status).toBe(401);

  const { name } = first.body.metadata;
  const list = await h.request(`${CSRS}?fieldSelector=metadata.name%3D${name}`, { token: 'good-token' });
  expect(list.body.items).toHaveLength(1);
  const cert = Buffer.from(list.body.items[0].status.certificate, 'base64').toString();
  expect(list.body.items[0].status.conditions[0].type).toBe('Approved');
  expect((await h.request(PODS, { as: { cert, key } })).status).toBe(200);
});

test('a token is good for signing requests alone, and sees only its own cell’s', async () => {
  h.book.cells.set('a', knownCell('a'));
  const other = await h.cell('b');
  h.attest = async () => ({ outcome: 'accepted', cellId: 'a' });
  const { csr } = await makeCsr();
  const made = await h.request(CSRS, { method: 'POST', as: other, body: csrObject(csr) });
  expect(made.status).toBe(201);
  await h.request(CSRS, { method: 'POST', token: 'good-token', body: csrObject(csr) });
  expect((await h.request(`${CSRS}/${made.body.metadata.name}`, { token: 'good-token' })).status).toBe(404);
  expect((await h.request(CSRS, { token: 'good-token' })).status).toBe(403);
  expect((await h.request(PODS, { token: 'good-token' })).status).toBe(403);
  const serving = csrObject(csr, 'kubernetes.io/kubelet-serving');
  expect((await h.request(CSRS, { method: 'POST', token: 'good-token', body: serving })).status).toBe(403);
});

test('a signing request of the same name is answered again for the same key, and refused for another', async () => {
  const as = await h.cell('a');
  const [one, two] = [await makeCsr(), await makeCsr()];
  const object = csrObject(one.csr, undefined, 'node-csr-x_Y-1');
  const first = await h.request(CSRS, { method: 'POST', as, body: object });
  const again = await h.request(CSRS, { method: 'POST', as, body: object });
  expect(again.body.metadata.uid).toBe(first.body.metadata.uid);
  const foreign = await h.request(CSRS, { method: 'POST', as, body: csrObject(two.csr, undefined, 'node-csr-x_Y-1') });
  expect(foreign.body).toMatchObject({ code: 409, reason: 'AlreadyExists' });
});

test('a request that an ended provider signed is listed as failed, as is another cell’s, so that the kubelet makes another', async () => {
  const as = await h.cell('a');
  const { csr } = await makeCsr();
  const foreign = await h.request(CSRS, { method: 'POST', as: await h.cell('b'), body: csrObject(csr) });
  for (const name of ['csr-before', foreign.body.metadata.name]) {
    const { body } = await h.request(`${CSRS}?fieldSelector=metadata.name%3D${name}`, { as });
    expect(body.items).toMatchObject([
      { metadata: { name }, status: { conditions: [{ type: 'Failed', status: 'True', reason: 'Forgotten' }] } },
    ]);
    expect(body.items[0].status.certificate).toBeUndefined();
  }
});

test('signing requests that are not the kubelet’s own are refused', async () => {
  const as = await h.cell('a');
  const SERVING = 'kubernetes.io/kubelet-serving';
  const ask = async (options: Parameters<typeof makeCsr>[0], signer?: string) =>
    (await h.request(CSRS, { method: 'POST', as, body: csrObject((await makeCsr(options)).csr, signer) })).status;
  const local = { type: 'ip', value: '127.0.0.1' } as const;
  const hostname = { type: 'dns', value: NODE } as const;
  expect(await ask({ hosts: [local, hostname] }, SERVING)).toBe(201);
  expect(await ask({ hosts: [local, { type: 'ip', value: '10.0.0.9' }] }, SERVING)).toBe(403);
  expect(await ask({ hosts: [{ type: 'dns', value: 'kubernetes.default' }] }, SERVING)).toBe(403);
  expect(await ask({ hosts: [{ type: 'url', value: 'nodeless://cell/b' }] }, SERVING)).toBe(403);
  expect(await ask({}, SERVING)).toBe(403);
  expect(await ask({ hosts: [local] })).toBe(403);
  expect(await ask({}, 'kubernetes.io/kube-apiserver-client')).toBe(403);
  expect(await ask({ name: [{ O: ['system:nodes'] }, { CN: ['system:node:other'] }] })).toBe(403);
  expect(await ask({ name: [{ O: ['system:masters'] }, { CN: [`system:node:${NODE}`] }] })).toBe(403);
  expect(
    await ask({ name: [{ O: ['system:nodes'] }, { O: ['system:masters'] }, { CN: [`system:node:${NODE}`] }] }),
  ).toBe(403);
  expect(await ask({ name: [{ O: ['system:nodes'] }, { CN: ['nodeless:provider'] }] })).toBe(403);
  const { csr } = await makeCsr();
  const broken = csr.replace(/[A-Za-z](?=[^\n]*\n-----END)/, (letter) => (letter === 'A' ? 'B' : 'A'));
  expect((await h.request(CSRS, { method: 'POST', as, body: csrObject(broken) })).status).toBe(403);
});

test('a serving certificate names exactly the recorded addresses', async () => {
  const as = await h.cell('a');
  const { csr } = await makeCsr({ hosts: [{ type: 'ip', value: '127.0.0.1' }] });
  const made = await h.request(CSRS, { method: 'POST', as, body: csrObject(csr, 'kubernetes.io/kubelet-serving') });
  const certificate = new X509Certificate(Buffer.from(made.body.status.certificate, 'base64'));
  expect(certificate.subjectAltName).toBe(`IP Address:127.0.0.1, DNS:${NODE}`);
  expect(certificate.validToDate.getTime() - Date.now()).toBeGreaterThan(24 * 3_600_000);
});

test('the serving certificate is renewed without a restart, and both protocols go on', async () => {
  const FIVE_DAYS_MS = 5 * 24 * 3_600_000;
  const past = new Harness();
  past.clock.advance(-FIVE_DAYS_MS);
  await past.start();
  const as = await past.cell('a');
  const serial = () =>
    new Promise<string>((resolve) => {
      past.session(as).once('connect', (_session, socket) => {
        resolve((socket as TLSSocket).getPeerX509Certificate()?.serialNumber ?? '');
      });
    });
  const before = await serial();
  past.clock.advance(FIVE_DAYS_MS);
  await expect.poll(serial).not.toBe(before);
  expect((await past.request(PODS, { as })).status).toBe(200);
  expect((await past.request1(PODS, { as })).status).toBe(200);
  expect((await past.request1(PODS)).status).toBe(401);
  await past.stop();
});

test('anybody may ask for health, nobody without a certificate for anything else', async () => {
  expect((await h.request('/healthz')).body).toBe('ok');
  expect((await h.request('/version')).status).toBe(401);
});
