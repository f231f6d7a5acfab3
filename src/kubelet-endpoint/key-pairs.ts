import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { NODE_GROUPS, nodeUser } from '../core/names.ts';

export interface KeyPair {
  readonly keys: webcrypto.CryptoKeyPair;
  /** PKCS #8 PEM. */
  readonly keyPem: string;
}

/** Whom a serving certificate is for. */
export interface ServingIdentity {
  readonly nodeName: string;
  /** Addresses and names that callers dial. */
  readonly addresses: readonly string[];
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A new P-256 key, held in memory only. */
export async function newKeyPair(): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const lines = der.match(/.{1,64}/g) ?? [];
  return { keys, keyPem: `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n` };
}

/** What the kubernetes.io/kubelet-serving signer insists on. */
function subjectOf(nodeName: string): { CN?: string[]; O?: string[] }[] {
  return [{ O: [NODE_GROUPS[0]] }, { CN: [nodeUser(nodeName)] }];
}

function alternativeNames(addresses: readonly string[]): SubjectAlternativeNameExtension {
  const names = addresses.map((value): JsonGeneralName => ({ type: isIP(value) > 0 ? 'ip' : 'dns', value }));
  return new SubjectAlternativeNameExtension(names);
}

/** A certificate signing request, PEM. */
export async function servingRequest(identity: ServingIdentity, pair: KeyPair): Promise<string> {
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: subjectOf(identity.nodeName),
    keys: pair.keys,
    signingAlgorithm: ALGORITHM,
    extensions: [alternativeNames(identity.addresses)],
  });
  return request.toString('pem');
}

/** A certificate that vouches for itself, PEM; good for ten years from `nowMs`. */
export async function selfSigned(identity: ServingIdentity, pair: KeyPair, nowMs: number): Promise<string> {
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: subjectOf(identity.nodeName),
    keys: pair.keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(nowMs - 300_000),
    notAfter: new Date(nowMs + 3_650 * 86_400_000),
    extensions: [
      alternativeNames(identity.addresses),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new BasicConstraintsExtension(false, undefined, true),
    ],
  });
  return certificate.toString('pem');
}
