import 'reflect-metadata';
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { nodeUser } from '../../core/names.ts';
import { Refusal } from '../http/refusal.ts';

export const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client-kubelet';
export const SERVING_SIGNER = 'kubernetes.io/kubelet-serving';

/** A certificate signing request that is a kubelet's. */
export interface SigningRequest {
  readonly publicKey: x509.PublicKey;
  /** SHA-256 of the public key (SPKI, DER), hex. */
  readonly keyFingerprint: string;
  /** Names that it asks for: IP addresses and DNS names. */
  readonly hosts: readonly string[];
}

const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const MAX_PEM_BYTES = 16 * 1024;

function refused(message: string): Refusal {
  return new Refusal(403, message, { denial: 'bad-csr' });
}

function parse(pem: string): x509.Pkcs10CertificateRequest {
  if (pem.length > MAX_PEM_BYTES || !pem.includes('BEGIN CERTIFICATE REQUEST')) throw refused('the request is not PEM');
  try {
    return new x509.Pkcs10CertificateRequest(pem);
  } catch (cause) {
    throw new Refusal(403, 'the certificate request can not be read', { denial: 'bad-csr', cause });
  }
}

async function isSelfSigned(request: x509.Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await request.verify();
  } catch {
    return false;
  }
}

/** The one form in which a kubelet writes its subject; anything more or else is refused. */
function isKubelet(request: x509.Pkcs10CertificateRequest, virtualNode: string): boolean {
  const attributes = request.subjectName.toJSON().flatMap((name) => Object.entries(name));
  const values = (type: string): string[] =>
    attributes.filter(([name]) => name === type).flatMap(([, value]) => value as string[]);
  const [commonName, ...commonNames] = values('CN');
  const [organization, ...organizations] = values('O');
  return (
    attributes.every(([type]) => type === 'CN' || type === 'O') &&
    commonNames.length + organizations.length === 0 &&
    commonName === nodeUser(virtualNode) &&
    organization === 'system:nodes'
  );
}

/** @throws Refusal 403 for names that are neither addresses nor host names, and for any other extension */
function hostsOf(request: x509.Pkcs10CertificateRequest): string[] {
  if (request.attributes.some(({ type }) => type !== EXTENSION_REQUEST)) throw refused('an attribute is not allowed');
  const hosts: string[] = [];
  for (const extension of request.extensions) {
    if (extension.type !== SUBJECT_ALTERNATIVE_NAME) throw refused('an extension is not allowed');
    for (const { type, value } of new x509.SubjectAlternativeNameExtension(extension.rawData).names.items) {
      if (type !== 'ip' && type !== 'dns') throw refused('only addresses and host names can be certified');
      hosts.push(type === 'ip' ? canonicalAddress(value) : value);
    }
  }
  return hosts;
}

/** One spelling for each address, since IPv6 has many. */
export function canonicalAddress(address: string): string {
  if (isIP(address) !== 6) return address;
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

/**
 * Reads a request and checks what holds for both signers: its signature by its own key and a kubelet's subject.
 * @throws Refusal 403
 */
export async function readSigningRequest(pem: string, virtualNode: string): Promise<SigningRequest> {
  const request = parse(pem);
  if (!(await isSelfSigned(request))) throw refused('the certificate request is not signed by its own key');
  if (!isKubelet(request, virtualNode)) throw refused("the subject is not the one of this node's kubelet");
  const spki = Buffer.from(request.publicKey.rawData);
  return {
    publicKey: request.publicKey,
    keyFingerprint: createHash('sha256').update(spki).digest('hex'),
    hosts: hostsOf(request),
  };
}
