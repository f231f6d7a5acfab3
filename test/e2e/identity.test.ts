import { createPrivateKey, createPublicKey } from 'node:crypto';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type KeyPair, newKeyPair, servingRequest } from '../../src/kubelet-endpoint/key-pairs.ts';
import { toolsOf } from '../support/kubectl.ts';
import { BUSYBOX_IMAGE, pod, signingRequest } from '../support/objects.ts';
import {
  askCellApi,
  cellApiUrl,
  type Identity,
  type Reply,
  type StolenCell,
  stealCell,
} from '../support/stolen-cell.ts';
import { CLUSTER } from './global-setup.ts';

const { kubectl, apply, get, inside } = toolsOf(CLUSTER);

let cellApi = '';
const cells: Record<string, StolenCell> = {};

async function ask(identity: Identity, path: string, method?: 'GET' | 'POST', body?: unknown): Promise<Reply> {
  return askCellApi(cellApi, identity, { path, ...(method === undefined ? {} : { method }), body });
}

function mine(): Identity {
  return cells.mine?.identity as Identity;
}

/** All that there is before the first certificate. */
function bootstrap(): Identity {
  return { ca: mine().ca, token: mine().token ?? '' };
}

/** The key with which a cell's kubelet asked for its certificate. */
function stolenPair(keyPem: string): KeyPair {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const key = createPrivateKey(keyPem);
  const privateKey = key.toCryptoKey(algorithm, true, ['sign']);
  const publicKey = createPublicKey(key).toCryptoKey(algorithm, true, ['verify']);
  return { keys: { privateKey, publicKey }, keyPem };
}

async function secretPod(name: string): Promise<void> {
  await kubectl('create', 'secret', 'generic', `secret-of-${name}`, `--from-literal=word=canary-${name}`);
  await kubectl('create', 'serviceaccount', `account-of-${name}`);
  await apply(
    pod(name, {
      image: BUSYBOX_IMAGE,
      spec: { serviceAccountName: `account-of-${name}` },
      container: { env: [{ name: 'WORD', valueFrom: { secretKeyRef: { name: `secret-of-${name}`, key: 'word' } } }] },
    }),
  );
}

describe('what a cell can reach with all that is on its disk', () => {
  beforeAll(async () => {
    await secretPod('mine');
    await secretPod('other');
    await kubectl('wait', 'pod/mine', 'pod/other', '--for=condition=Ready', '--timeout=60s');
    cellApi = await cellApiUrl(CLUSTER);
    cells.mine = await stealCell(CLUSTER, 'mine');
    cells.other = await stealCell(CLUSTER, 'other');
  });

  afterAll(async () => {
    await kubectl(
      'delete',
      'pods/mine',
      'pods/other',
      'secrets/secret-of-mine',
      'secrets/secret-of-other',
      '--wait',
      '--grace-period=1',
    );
    await kubectl('delete', 'serviceaccounts/account-of-mine', 'serviceaccounts/account-of-other');
  });

  test('its own pod, Secret and token', async () => {
    const pods = await ask(mine(), '/api/v1/pods?fieldSelector=spec.nodeName%3Dnodeless');
    expect([pods.status, pods.body.items?.length]).toEqual([200, 1]);
    const secret = await ask(mine(), '/api/v1/namespaces/default/secrets/secret-of-mine');
    expect(secret.status).toBe(200);
  });

  test.each([
    ['the Secret of another cell’s pod', '/api/v1/namespaces/default/secrets/secret-of-other'],
    ['a Secret that nobody references', '/api/v1/namespaces/nodeless-system/secrets/nodeless-authority'],
    ['a Secret that does not exist', '/api/v1/namespaces/default/secrets/nothing'],
    ['all Secrets of a namespace', '/api/v1/namespaces/default/secrets'],
    ['all Secrets', '/api/v1/secrets'],
    ['all ConfigMaps', '/api/v1/configmaps'],
    ['a pod of another cell', '/api/v1/namespaces/default/pods/other'],
    ['namespaces', '/api/v1/namespaces'],
    ['another node', '/api/v1/nodes/regular-1'],
  ])('not %s: a Status of 403 or 404 that tells nothing', async (_what, path) => {
    const answer = await ask(mine(), path);
    expect([403, 404]).toContain(answer.status);
    expect(answer.body.kind).toBe('Status');
    expect(JSON.stringify(answer.body)).not.toContain('canary');
  });

  test('an answer does not tell whether a foreign Secret exists', async () => {
    const there = await ask(mine(), '/api/v1/namespaces/default/secrets/secret-of-other');
    const absent = await ask(mine(), '/api/v1/namespaces/default/secrets/secret-of-nobody');
    expect(there.body).toEqual(absent.body);
  });

  test('not a token of another pod’s service account, nor one bound to another pod', async () => {
    const other = await get<{ metadata: { uid: string } }>('pod', 'other');
    const body = (name: string, uid: string) => ({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: [], boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } },
    });
    const own = await get<{ metadata: { uid: string } }>('pod', 'mine');
    const forbidden = [
      ['account-of-other', 'other', other],
      ['account-of-mine', 'other', other],
      ['default', 'other', other],
      ['account-of-other', 'mine', own],
      ['default', 'mine', own],
      ['account-of-mine', 'mine', other],
    ] as const;
    const path = (account: string) => `/api/v1/namespaces/default/serviceaccounts/${account}/token`;
    for (const [account, name, { metadata }] of forbidden) {
      const answer = await ask(mine(), path(account), 'POST', body(name, metadata.uid));
      expect([account, name, answer.status, answer.body.kind]).toEqual([account, name, 403, 'Status']);
    }
    const allowed = await ask(mine(), path('account-of-mine'), 'POST', body('mine', own.metadata.uid));
    expect(allowed.status).toBe(201);
  });

  test('not the status of another cell’s pod, nor annotations of its own', async () => {
    const patch = async (name: string, body: object) => {
      const dispatcher = new Agent({ connect: { ...mine() }, allowH2: false });
      const response = await request(`${cellApi}/api/v1/namespaces/default/pods/${name}/status`, {
        method: 'PATCH',
        dispatcher,
        headers: { 'content-type': 'application/strategic-merge-patch+json' },
        body: JSON.stringify(body),
      });
      await response.body.dump();
      await dispatcher.destroy();
      return response.statusCode;
    };
    expect(await patch('other', { status: { phase: 'Failed' } })).toBe(403);
    expect(
      await patch('mine', { metadata: { annotations: { 'nodeless.io/cell': 'cell-other' } } }),
    ).toBeGreaterThanOrEqual(400);
    const { metadata } = await get<{ metadata: { annotations: Record<string, string> } }>('pod', 'mine');
    expect(metadata.annotations['nodeless.io/cell']).toBe(cells.mine?.id);
  });

  test('not the kubelet of another cell', async () => {
    const paths = ['/pods', '/containerLogs/default/other/main', '/metrics', '/run/default/other/main?cmd=id'];
    const { folder, pem } = cells.mine as StolenCell;
    const code = (path: string, ...credentials: readonly string[]) =>
      inside(
        'curl',
        '-sk',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code}',
        ...credentials,
        `https://${cells.other?.address}:10250${path}`,
      );
    for (const path of paths) {
      expect(await code(path, '--cert', join(folder, pem), '--key', join(folder, pem))).toBe('403');
      expect(await code(path)).toBe('401');
    }
  });

  test('nothing without a certificate, and nothing but a certificate with a token', async () => {
    const path = '/api/v1/pods?fieldSelector=spec.nodeName%3Dnodeless';
    const anonymous = await ask({ ca: mine().ca }, path);
    expect([anonymous.status, anonymous.body.kind]).toEqual([401, 'Status']);
    expect((await ask(bootstrap(), path)).status).toBe(403);
  });

  test('no certificate for another key with a token that was used; the same key may ask again', async () => {
    const ofKey = async (pair: KeyPair) => {
      const pem = await servingRequest({ nodeName: 'nodeless', addresses: [] }, pair);
      const csr = signingRequest(pem, 'kubernetes.io/kube-apiserver-client-kubelet', 'client auth');
      return ask(bootstrap(), '/apis/certificates.k8s.io/v1/certificatesigningrequests', 'POST', csr);
    };
    const stranger = await newKeyPair();
    for (const _attempt of ['first', 'second']) {
      const refused = await ofKey(stranger);
      expect([refused.status, refused.body.kind]).toEqual([401, 'Status']);
    }
    expect((await ofKey(stolenPair(mine().key ?? ''))).status).toBe(201);
  });
});
