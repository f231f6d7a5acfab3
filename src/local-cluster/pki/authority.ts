import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { ALGORITHM, keyToPem, newKeys } from '../../pki/key-pair.ts';

const DAY_MS = 86_400_000;
/** A throwaway cluster outlives no year. */
const VALIDITY_MS = 365 * DAY_MS;

/** A certificate and its private key (PKCS #8), both PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** Who a certificate is for. */
export interface CertificateRequest {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly usage: 'client' | 'server' | 'both';
}

/** A certificate authority that can sign. */
export interface Authority extends KeyPair {
  issue(request: CertificateRequest): Promise<KeyPair>;
}

async function publicKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('spki', key), 'PUBLIC KEY');
}

function subjectOf(request: Pick<CertificateRequest, 'commonName' | 'organizations'>): x509.Name {
  const organizations = request.organizations ?? [];
  return new x509.Name([
    ...(organizations.length === 0 ? [] : organizations.map((name) => ({ O: [name] }))),
    { CN: [request.commonName] },
  ]);
}

function validity(): { readonly notBefore: Date; readonly notAfter: Date } {
  // A minute back, for clocks that differ a little.
  const start = Date.now() - 60_000;
  return { notBefore: new Date(start), notAfter: new Date(start + VALIDITY_MS) };
}

function usages(usage: CertificateRequest['usage']): string[] {
  const { clientAuth, serverAuth } = x509.ExtendedKeyUsage;
  if (usage === 'client') return [clientAuth];
  return usage === 'server' ? [serverAuth] : [serverAuth, clientAuth];
}

/** A new self-signed authority (ECDSA P-256). */
export async function createAuthority(commonName: string): Promise<Authority> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: subjectOf({ commonName }),
    keys,
    signingAlgorithm: ALGORITHM,
    ...validity(),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    certificate: certificate.toString('pem'),
    key: await keyToPem(keys.privateKey),
    issue: (request) => issue(request, certificate, keys.privateKey),
  };
}

async function issue(
  request: CertificateRequest,
  authority: x509.X509Certificate,
  signingKey: webcrypto.CryptoKey,
): Promise<KeyPair> {
  const keys = await newKeys();
  const names: x509.JsonGeneralNames = [
    ...(request.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(request.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
  ];
  const certificate = await x509.X509CertificateGenerator.create({
    subject: subjectOf(request),
    issuer: authority.subjectName,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    ...validity(),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages(request.usage)),
      await x509.AuthorityKeyIdentifierExtension.create(authority),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
    ],
  });
  return { certificate: certificate.toString('pem'), key: await keyToPem(keys.privateKey) };
}

/** A key pair without a certificate, as service account tokens are signed with; both PEM. */
export async function createSigningKey(): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  const keys = await newKeys();
  return { privateKey: await keyToPem(keys.privateKey), publicKey: await publicKeyPem(keys.publicKey) };
}
