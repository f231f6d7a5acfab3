import 'reflect-metadata';
import type { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { NODE_GROUPS, nodeUser } from '../core/names.ts';
import { ALGORITHM, generalNames, keyToPem, newKeys } from '../pki/key-pair.ts';

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

/** A new P-256 key, held in memory only. */
export async function newKeyPair(): Promise<KeyPair> {
  const keys = await newKeys();
  return { keys, keyPem: await keyToPem(keys.privateKey) };
}

/** What the kubernetes.io/kubelet-serving signer insists on. */
function subjectOf(nodeName: string): { CN?: string[]; O?: string[] }[] {
  return [{ O: [NODE_GROUPS[0]] }, { CN: [nodeUser(nodeName)] }];
}

function alternativeNames(addresses: readonly string[]): SubjectAlternativeNameExtension {
  return new SubjectAlternativeNameExtension(generalNames(addresses));
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
