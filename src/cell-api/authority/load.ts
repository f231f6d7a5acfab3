import { AUTHORITY_SECRET } from '../../core/names.ts';
import { call, getOrUndefined, isStatus } from '../../kube/calls.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/objects.ts';
import { createAuthorityPair } from '../../pki/certificates.ts';
import { type Authority, type AuthorityOptions, authorityOf } from './authority.ts';

export type { Authority } from './authority.ts';

export interface AuthoritySecret extends AuthorityOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  /** `nodeless-authority` unless given. */
  readonly secretName?: string;
  readonly signal: AbortSignal;
}

interface SecretObject extends KubeObject {
  data?: Record<string, string>;
}

/** The authority whose key is in a Secret; the first of several replicas that get there makes it. */
export async function loadOrCreateAuthority(options: AuthoritySecret): Promise<Authority> {
  const { client, namespace, signal, secretName = AUTHORITY_SECRET } = options;
  const collection = `/api/v1/namespaces/${namespace}/secrets`;
  const path = `${collection}/${secretName}`;
  const found = (await getOrUndefined<SecretObject>(client, path, signal)) ?? (await create());
  const { 'tls.crt': cert = '', 'tls.key': key = '' } = found.data ?? {};
  return authorityOf({ certPem: decoded(cert), keyPem: decoded(key) }, options);

  async function create(): Promise<SecretObject> {
    const pair = await createAuthorityPair(`nodeless-${namespace}-${secretName}`, options.clock.now());
    const body = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: secretName, namespace, labels: { 'app.kubernetes.io/managed-by': 'nodeless' } },
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': encoded(pair.certPem), 'tls.key': encoded(pair.keyPem) },
    };
    try {
      return await call<SecretObject>(client, { method: 'POST', path: collection, body, signal });
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
      return call<SecretObject>(client, { method: 'GET', path, signal });
    }
  }
}

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}

function encoded(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
