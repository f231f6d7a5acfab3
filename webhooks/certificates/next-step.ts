import { X509Certificate } from 'node:crypto';
import { BACKDATE_MS } from '../../src/pki/certificates.ts';
import type { CertificateSet } from './certificate-set.ts';

/** What is to be done next about the certificates; one thing at a time, each safe by itself. */
export type Step =
  /** Everything anew: nothing that is there can be used. */
  | { readonly do: 'begin' }
  /** A new authority, which callers are told to trust before anything is signed by it. */
  | { readonly do: 'announce' }
  /** A new serving certificate. */
  | { readonly do: 'serve'; readonly signer: 'current' | 'previous'; readonly hosts: readonly string[] }
  /** Nobody serves by the previous authority any more. */
  | { readonly do: 'forget' }
  | { readonly do: 'nothing' };

/** What a step depends on beside the certificates. */
export interface Circumstances {
  /** At which this replica is called. Replicas share the certificate, so what another has put in stays for its life. */
  readonly hosts: readonly string[];
  readonly nowMs: number;
  /** How long API servers and other replicas have to learn of a change before it is relied on. */
  readonly settleMs: number;
  /** Whether callers are known to trust the authority that signs, or is about to. */
  readonly isTrusted: boolean;
}

function bounds(certificate: X509Certificate): { readonly fromMs: number; readonly toMs: number } {
  return { fromMs: Date.parse(certificate.validFrom), toMs: Date.parse(certificate.validTo) };
}

/** Two thirds of its life are over: the last one is for outages. */
function isDue(certificate: X509Certificate, nowMs: number): boolean {
  const { fromMs, toMs } = bounds(certificate);
  return nowMs >= fromMs + ((toMs - fromMs) * 2) / 3;
}

function isSettled(certificate: X509Certificate, { nowMs, settleMs }: Circumstances): boolean {
  return nowMs >= bounds(certificate).fromMs + BACKDATE_MS + settleMs;
}

function isExpired(certificate: X509Certificate, nowMs: number): boolean {
  return nowMs >= bounds(certificate).toMs;
}

function isSignedBy(leaf: X509Certificate, signer: X509Certificate): boolean {
  return leaf.checkIssued(signer) && leaf.verify(signer.publicKey);
}

/** The addresses and names that a certificate is for. */
export function hostsOf({ subjectAltName = '' }: X509Certificate): readonly string[] {
  return subjectAltName.split(', ').flatMap((name) => name.match(/^(?:DNS|IP Address):(.+)$/)?.[1] ?? []);
}

/** What is next. Pure. */
export function nextStep(set: CertificateSet | undefined, circumstances: Circumstances): Step {
  const { hosts, nowMs, isTrusted } = circumstances;
  if (set === undefined) return { do: 'begin' };
  const current = new X509Certificate(set.current.certPem);
  const previous = set.previous && new X509Certificate(set.previous.certPem);
  const serving = set.serving && new X509Certificate(set.serving.certPem);
  if (isExpired(current, nowMs)) return { do: 'begin' };
  if (previous === undefined && isDue(current, nowMs)) return { do: 'announce' };

  const isOver = previous === undefined || isExpired(previous, nowMs);
  const isAnnounced = isOver || (isTrusted && isSettled(current, circumstances));
  const signer = isAnnounced ? 'current' : 'previous';
  const by = [current, previous].find((one) => one !== undefined && serving !== undefined && isSignedBy(serving, one));
  if (serving === undefined || by === undefined || isDue(serving, nowMs)) return { do: 'serve', signer, hosts };
  const has = hostsOf(serving);
  const all = [...new Set([...has, ...hosts])];
  if (all.length > has.length || (by === previous && isAnnounced)) return { do: 'serve', signer, hosts: all };
  const isLeft = previous !== undefined && by === current && isSettled(serving, circumstances);
  return isLeft && (isOver || isTrusted) ? { do: 'forget' } : { do: 'nothing' };
}
