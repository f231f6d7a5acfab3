import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { RoleCredentials } from './machine-roles.ts';

/** SHA-256 in the SDK's shape. */
class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    throw new Error('nobody resets it');
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  if (data instanceof ArrayBuffer) return Buffer.from(data);
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

export interface Presigning {
  readonly credentials: Omit<RoleCredentials, 'arn'>;
  readonly region: string;
  readonly host: string;
  readonly query: Readonly<Record<string, string>>;
  /** Beside `host`; all are signed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly atMs: number;
  readonly expiresSeconds: number;
}

/** The query of a presigned GET, by the SDK's own signer. */
export async function presign(parts: Presigning): Promise<Readonly<Record<string, string>>> {
  const { credentials, region, host, query, headers, atMs, expiresSeconds } = parts;
  const signer = new SignatureV4({ credentials, region, service: 'sts', sha256: Sha256 });
  const request = {
    method: 'GET',
    protocol: 'https:',
    hostname: host,
    path: '/',
    query,
    headers: { host, ...headers },
  };
  const signed = await signer.presign(request, { signingDate: new Date(atMs), expiresIn: expiresSeconds });
  return signed.query as Record<string, string>;
}

export interface Proof extends Omit<Presigning, 'host' | 'query' | 'headers' | 'expiresSeconds'> {
  readonly clusterUid: string;
  readonly keyFingerprint: string;
}

/** The token by which a machine proves which it is: what its own program makes with a shell. */
export async function proofOf({ clusterUid, keyFingerprint, ...signing }: Proof): Promise<string> {
  const host = `sts.${signing.region}.amazonaws.com`;
  const query = await presign({
    ...signing,
    host,
    query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
    headers: { 'x-nodeless-cell': `${clusterUid}/${keyFingerprint}` },
    expiresSeconds: 60,
  });
  return tokenOf(`https://${host}/?${queryText(query)}`);
}

/** A query, escaped as signatures have it. */
export function queryText(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
}

export function tokenOf(url: string): string {
  return `k8s-aws-v1.${Buffer.from(url).toString('base64url')}`;
}
