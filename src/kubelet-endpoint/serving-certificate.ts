import { X509Certificate } from 'node:crypto';
import type { Logger } from 'pino';
import { createBackoff } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf, NodelessError } from '../core/errors.ts';
import { KUBELET_SERVING_SIGNER } from '../core/names.ts';
import type { KubeClient } from '../kube/client.ts';
import { newKeyPair, type ServingIdentity, selfSigned, servingRequest } from './key-pairs.ts';
import { type SigningOptions, signThroughApi } from './signing-request.ts';

/** How the endpoint comes by its serving certificate. */
export type ServingCertificateSource =
  | {
      readonly from: 'signer';
      /** `kubernetes.io/kubelet-serving` unless given. */
      readonly signerName?: string;
      /** `self`: the provider approves its own requests (needs `approve` on the signer). */
      readonly approval: 'self' | 'external';
      /** The node's own client: `client.as({ user: nodeUser(node), groups: NODE_GROUPS })`. */
      readonly nodeClient: KubeClient;
      readonly expirationSeconds?: number;
    }
  /** Only for API servers that don't verify kubelets (no `--kubelet-certificate-authority`). */
  | { readonly from: 'self-signed' };

export interface ServingCertificate {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface ServingCertificateOptions {
  readonly source: ServingCertificateSource;
  readonly identity: ServingIdentity;
  /** The provider's own client, which approves. */
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly onIssued: (certificate: ServingCertificate) => void;
}

/** A certificate to serve with until a signer's has come, or for good where there is no signer. */
export async function temporaryCertificate(identity: ServingIdentity, nowMs: number): Promise<ServingCertificate> {
  const pair = await newKeyPair();
  return { certPem: await selfSigned(identity, pair, nowMs), keyPem: pair.keyPem };
}

/** When to ask for the next one: after 70 to 90 % of this one's life, as kubelets do. Milliseconds since the epoch. */
export function rotationTime(certPem: string, random: number): number {
  const { validFrom, validTo } = new X509Certificate(certPem);
  const from = Date.parse(validFrom);
  return from + (Date.parse(validTo) - from) * (0.7 + 0.2 * random);
}

function signingOptions(options: ServingCertificateOptions): SigningOptions {
  const { source, client, clock, identity, logger } = options;
  if (source.from !== 'signer') {
    throw new NodelessError({ code: 'ConfigInvalid', message: 'the serving certificate has no signer' });
  }
  return {
    requestor: source.nodeClient,
    signerName: source.signerName ?? KUBELET_SERVING_SIGNER,
    nodeName: identity.nodeName,
    clock,
    onRefused: (request, reason) =>
      logger.warn({ request, reason }, 'may not approve the request for its serving certificate; somebody else has to'),
    ...(source.approval === 'self' ? { approver: client } : {}),
    ...(source.expirationSeconds === undefined ? {} : { expirationSeconds: source.expirationSeconds }),
  };
}

/** Gets certificates from the signer, each before the last one ends, until the signal aborts. Never gives up. */
export async function followServingCertificate(options: ServingCertificateOptions, signal: AbortSignal): Promise<void> {
  const { identity, clock, logger, random, onIssued } = options;
  const signing = signingOptions(options);
  const backoff = createBackoff(1_000, 300_000, random);
  let failing = false;

  async function renew(): Promise<number> {
    const pair = await newKeyPair();
    const certPem = await signThroughApi(signing, await servingRequest(identity, pair), signal);
    onIssued({ certPem, keyPem: pair.keyPem });
    const nextMs = rotationTime(certPem, random());
    logger.info({ signer: signing.signerName, nextAt: new Date(nextMs) }, 'serving certificate issued');
    failing = false;
    backoff.reset();
    return nextMs;
  }

  while (!signal.aborted) {
    try {
      // A certificate that comes already old must not make a storm of requests.
      const nextMs = Math.max(await renew(), clock.now() + 60_000);
      // Sleeps of at most an hour: timers of more than 24.8 days fire at once, and a machine may have slept.
      while (clock.now() < nextMs) await clock.sleep(Math.min(nextMs - clock.now(), 3_600_000), signal);
    } catch (error) {
      if (signal.aborted) return;
      const reason = messageOf(error);
      if (!failing) logger.warn({ signer: signing.signerName, reason }, 'no serving certificate yet; trying again');
      failing = true;
      await clock.sleep(backoff.next(), signal).catch(() => undefined);
    }
  }
}
