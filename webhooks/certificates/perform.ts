import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { createAuthorityPair, issuePair } from '../../src/pki/certificates.ts';
import { keyFromPem } from '../../src/pki/key-pair.ts';
import type { CertificateSet, Pair } from './certificate-set.ts';
import type { Step } from './next-step.ts';

const SERVER = 'nodeless-webhook';
/** Another name than the server's, whose certificate would pass for self-signed otherwise. */
const AUTHORITY = 'nodeless-webhook-authority';
const SERVING_TTL_MS = 90 * 24 * 3_600_000;

async function issue(signer: Pair, hosts: readonly string[], nowMs: number): Promise<Pair> {
  const certificate = new x509.X509Certificate(signer.certPem);
  const privateKey = await keyFromPem(signer.keyPem);
  const leaf = { commonName: SERVER, hosts, usage: 'server', nowMs, ttlMs: SERVING_TTL_MS } as const;
  return issuePair({ certificate, privateKey }, leaf);
}

/** The certificates after a step; undefined where there is nothing to do. */
export async function perform(
  step: Step,
  set: CertificateSet | undefined,
  hosts: readonly string[],
  nowMs: number,
): Promise<CertificateSet | undefined> {
  if (step.do === 'nothing') return undefined;
  // The serial number tells two authorities of one name apart.
  const authority = () => createAuthorityPair(AUTHORITY, nowMs);
  if (step.do === 'begin' || set === undefined) {
    const current = await authority();
    return { current, serving: await issue(current, hosts, nowMs) };
  }
  const { current, previous, serving } = set;
  const served = serving === undefined ? {} : { serving };
  if (step.do === 'announce') return { current: await authority(), previous: current, ...served };
  if (step.do === 'forget') return { current, ...served };
  const signer = step.signer === 'previous' && previous !== undefined ? previous : current;
  return { ...set, serving: await issue(signer, step.hosts, nowMs) };
}
