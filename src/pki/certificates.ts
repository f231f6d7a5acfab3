import 'reflect-metadata';
import { randomBytes, type webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { ALGORITHM, generalNames, keyToPem, newKeys } from './key-pair.ts';

/** A certificate with its private key, both PEM. */
export interface KeyPairPem {
  readonly certPem: string;
  readonly keyPem: string;
  readonly notAfterMs: number;
}

/** A signing certificate and key. */
export interface Signer {
  readonly certificate: x509.X509Certificate;
  readonly privateKey: webcrypto.CryptoKey;
}

/** What a leaf certificate says. */
export interface Leaf {
  readonly commonName: string;
  readonly organization?: string;
  readonly publicKey: webcrypto.CryptoKey | x509.PublicKey;
  /** IP addresses and DNS names. */
  readonly hosts?: readonly string[];
  readonly uri?: string;
  readonly usage: 'client' | 'server';
  readonly nowMs: number;
  readonly ttlMs: number;
}

/** Certificates begin so long before they are signed: others' clocks may be behind ours. */
export const BACKDATE_MS = 5 * 60_000;
const YEAR_MS = 365 * 24 * 3_600_000;
const USAGES = { client: x509.ExtendedKeyUsage.clientAuth, server: x509.ExtendedKeyUsage.serverAuth };

/** 127 random bits: positive, and unique without a ledger. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return bytes.toString('hex');
}

/** A certificate with a final newline, as files of several want it. */
export function certToPem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

/** A new self-signed authority, good for ten years. */
export async function createAuthorityPair(commonName: string, nowMs: number): Promise<KeyPairPem> {
  const keys = await newKeys();
  const notAfterMs = nowMs + 10 * YEAR_MS;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(nowMs - BACKDATE_MS),
    notAfter: new Date(notAfterMs),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certPem: certToPem(certificate), keyPem: await keyToPem(keys.privateKey), notAfterMs };
}

function alternativeNames({ hosts = [], uri }: Leaf): x509.JsonGeneralName[] {
  return [...generalNames(hosts), ...(uri === undefined ? [] : [{ type: 'url' as const, value: uri }])];
}

/** Signs a leaf certificate; it never outlives its signer. */
export async function signLeaf(signer: Signer, leaf: Leaf): Promise<x509.X509Certificate> {
  const names = alternativeNames(leaf);
  const notAfter = new Date(Math.min(leaf.nowMs + leaf.ttlMs, signer.certificate.notAfter.getTime()));
  const subject = leaf.organization === undefined ? [] : [{ O: [leaf.organization] }];
  return x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [...subject, { CN: [leaf.commonName] }],
    issuer: signer.certificate.subjectName.toJSON(),
    publicKey: leaf.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(leaf.nowMs - BACKDATE_MS),
    notAfter,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension([USAGES[leaf.usage]]),
      await x509.AuthorityKeyIdentifierExtension.create(signer.certificate),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
    ],
  });
}

/** A new key and its certificate. */
export async function issuePair(signer: Signer, leaf: Omit<Leaf, 'publicKey'>): Promise<KeyPairPem> {
  const keys = await newKeys();
  const certificate = await signLeaf(signer, { ...leaf, publicKey: keys.publicKey });
  return {
    certPem: certToPem(certificate),
    keyPem: await keyToPem(keys.privateKey),
    notAfterMs: certificate.notAfter.getTime(),
  };
}
