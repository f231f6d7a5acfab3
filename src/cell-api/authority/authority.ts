import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { Clock } from '../../core/clock.ts';
import { messageOf, NodelessError } from '../../core/errors.ts';
import { cellUri, nodeUser, PROVIDER_USER } from '../../core/names.ts';
import { certToPem, issuePair, type KeyPairPem, type Signer, signLeaf } from '../../pki/certificates.ts';
import { keyFromPem } from '../../pki/key-pair.ts';
import { forbidden, Refusal } from '../http/refusal.ts';
import type { KnownCell } from '../ports.ts';
import { canonicalAddress, type SigningRequest } from './signing-request.ts';

const HOUR_MS = 3_600_000;
/** Kubelets rotate at 70-90 % of it; the rest is how long an outage of ours may last. */
const CELL_TTL_MS = 7 * 24 * HOUR_MS;
const OWN_TTL_MS = 7 * 24 * HOUR_MS;

/** Signs for the cells of one cluster. Its certificate is in no other trust store than theirs and ours. */
export interface Authority {
  readonly caPem: string;
  /** A serving certificate for ourselves. */
  issueServing(hosts: readonly string[]): Promise<KeyPairPem>;
  /** The provider's client certificate toward the cells' kubelets. */
  issueProviderClient(): Promise<KeyPairPem>;
  /** PEM of a cell's client certificate. @throws Refusal 403 when names are asked for */
  signCellClient(request: SigningRequest, cellId: string, virtualNode: string): Promise<string>;
  /** PEM of a cell's serving certificate: all of its recorded addresses. @throws Refusal 403 for any other */
  signCellServing(request: SigningRequest, cell: KnownCell, virtualNode: string): Promise<string>;
}

export interface AuthorityOptions {
  readonly clock: Clock;
  /** Life of the cells' certificates in milliseconds, at least a day; a week unless given. */
  readonly cellTtlMs?: number;
}

/** @throws NodelessError ConfigInvalid for a pair that is no authority, does not match, or has expired */
export async function authorityOf(
  pair: { certPem: string; keyPem: string },
  options: AuthorityOptions,
): Promise<Authority> {
  const { clock, cellTtlMs = CELL_TTL_MS } = options;
  const signer = await readSigner(pair, clock.now());
  const now = () => ({ nowMs: clock.now() });
  return {
    caPem: certToPem(signer.certificate),
    issueServing: (hosts) =>
      issuePair(signer, { commonName: 'nodeless-cell-api', hosts, usage: 'server', ttlMs: OWN_TTL_MS, ...now() }),
    issueProviderClient: () =>
      issuePair(signer, { commonName: PROVIDER_USER, usage: 'client', ttlMs: OWN_TTL_MS, ...now() }),
    async signCellClient({ publicKey, hosts }, cellId, virtualNode) {
      if (hosts.length > 0) throw forbidden('bad-csr');
      const identity = { commonName: nodeUser(virtualNode), organization: 'system:nodes', uri: cellUri(cellId) };
      return certToPem(await signLeaf(signer, { ...identity, publicKey, usage: 'client', ttlMs: cellTtlMs, ...now() }));
    },
    async signCellServing({ publicKey, hosts: asked }, cell, virtualNode) {
      const hosts = servingHosts(cell, virtualNode);
      if (asked.length === 0 || !asked.every((host) => hosts.includes(host))) {
        throw new Refusal(403, 'the certificate request names an address that is not the cell’s', {
          denial: 'bad-csr',
        });
      }
      const identity = { commonName: nodeUser(virtualNode), organization: 'system:nodes', hosts };
      return certToPem(await signLeaf(signer, { ...identity, publicKey, usage: 'server', ttlMs: cellTtlMs, ...now() }));
    },
  };
}

/**
 * The recorded addresses, and the node's name: a kubelet always asks for its Hostname address too, and would ask
 * again every second for what its certificate lacks. The provider verifies cells by address, never by that name.
 */
function servingHosts(cell: KnownCell, virtualNode: string): string[] {
  return [...cell.addresses.map(canonicalAddress), virtualNode];
}

async function readSigner(pair: { certPem: string; keyPem: string }, nowMs: number): Promise<Signer> {
  try {
    const certificate = new x509.X509Certificate(pair.certPem);
    const privateKey = await keyFromPem(pair.keyPem);
    const basic = certificate.getExtension(x509.BasicConstraintsExtension);
    if (basic?.ca !== true) throw new Error('it is not the certificate of an authority');
    if (certificate.notAfter.getTime() <= nowMs) throw new Error('it has expired');
    const probe = {
      commonName: 'probe',
      usage: 'client',
      nowMs,
      ttlMs: HOUR_MS,
      publicKey: certificate.publicKey,
    } as const;
    const signed = await signLeaf({ certificate, privateKey }, probe);
    if (!(await signed.verify({ publicKey: certificate, date: new Date(nowMs) })))
      throw new Error('its key is another one');
    return { certificate, privateKey };
  } catch (cause) {
    throw new NodelessError({
      code: 'ConfigInvalid',
      message: `the authority's certificate can not be used: ${messageOf(cause)}; delete its Secret to have a new one made (cells then have to be replaced)`,
      cause,
    });
  }
}
