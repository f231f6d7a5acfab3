import type { Logger } from 'pino';
import { type Clock, kubeMicroTime } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { isStatus } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import { createLease, patchLease } from '../kube/lease.ts';

export interface NodeLeaseOptions {
  /** Of the virtual node. */
  readonly name: string;
  /** The node's own identity. */
  readonly nodeClient: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The kubelet's own figures: the lease is renewed at a quarter of its duration. */
const LEASE_SECONDS = 40;
const RENEW_MS = 10_000;
const RETRY_MS = 1_000;
const DEADLINE_MS = 10_000;
const NAMESPACE = 'kube-node-lease';

/**
 * Renews the virtual node's lease until the signal aborts. Every replica does, whoever leads: pods on cells run on while
 * leadership changes hands, so the node is Ready as long as anybody is there to serve it soon.
 */
export async function keepNodeLease(options: NodeLeaseOptions, signal: AbortSignal): Promise<void> {
  const { name, clock, logger } = options;
  let failing = false;
  while (!signal.aborted) {
    try {
      await renew(options, AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]));
      if (failing) logger.info({ node: name }, "the node's lease is renewed again");
      failing = false;
    } catch (error) {
      if (signal.aborted) return;
      if (!failing) logger.warn({ node: name, reason: messageOf(error) }, "the node's lease can not be renewed");
      failing = true;
    }
    await clock.sleep(failing ? RETRY_MS : RENEW_MS, signal).catch(() => undefined);
  }
}

async function renew({ name, nodeClient, clock }: NodeLeaseOptions, signal: AbortSignal): Promise<void> {
  const spec = {
    holderIdentity: name,
    leaseDurationSeconds: LEASE_SECONDS,
    renewTime: kubeMicroTime(clock.now()),
  };
  const lease = { client: nodeClient, namespace: NAMESPACE, name };
  try {
    await patchLease(lease, spec, signal);
  } catch (error) {
    if (!isStatus(error, 404)) throw error;
    await createLease(lease, spec, signal);
  }
}
