import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import { kubeMicroTime } from '../core/clock.ts';
import { messageOf, NodelessError } from '../core/errors.ts';
import { call, getOrUndefined, isStatus } from './calls.ts';
import type { KubeClient } from './client.ts';
import type { KubeObject } from './objects.ts';

export interface LeadershipOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  /** Who leads; the same after a restart of the same replica, different between replicas. */
  readonly identity: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Lease extends KubeObject {
  spec: { holderIdentity?: string; leaseDurationSeconds?: number; renewTime?: string; leaseTransitions?: number };
}

/** A leader that can't renew stops within the first; another takes over after the second. */
const RENEW_DEADLINE_MS = 10_000;
const LEASE_SECONDS = 15;
const RETRY_MS = 2_000;

/**
 * Waits until this replica leads. Resolves with a signal that aborts when it no longer does, which must end all that
 * only a leader may do; renewal goes on until `signal` aborts.
 * A lease counts as expired by how long *we* have seen it unchanged, so clocks need not agree (client-go's rule).
 */
export async function becomeLeader(options: LeadershipOptions, signal: AbortSignal): Promise<AbortSignal> {
  const { clock, logger, name, identity } = options;
  const seen = { renewTime: '', atMs: clock.now() };
  let waiting = false;
  for (;;) {
    signal.throwIfAborted();
    const holder = await tryAcquire(options, seen, signal).catch((error) => {
      signal.throwIfAborted();
      return messageOf(error);
    });
    if (holder === identity) break;
    if (!waiting) logger.info({ lease: name, holder }, 'waiting to lead');
    waiting = true;
    await clock.sleep(RETRY_MS, signal);
  }
  logger.info({ lease: name, identity }, 'leading');
  const lost = new AbortController();
  void keepRenewing(options, lost, signal);
  return AbortSignal.any([signal, lost.signal]);
}

async function keepRenewing(options: LeadershipOptions, lost: AbortController, signal: AbortSignal): Promise<void> {
  const { clock, logger, name, identity } = options;
  let renewedAtMs = clock.now();
  while (!signal.aborted) {
    await clock.sleep(RETRY_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(RENEW_DEADLINE_MS)]);
    const holder = await tryAcquire(options, { renewTime: '', atMs: clock.now() }, deadline).catch(() => undefined);
    if (holder === identity) renewedAtMs = clock.now();
    if ((holder !== undefined && holder !== identity) || clock.now() - renewedAtMs > RENEW_DEADLINE_MS) {
      logger.error({ lease: name, holder }, 'leadership is lost');
      const message = `the lease ${name} could not be renewed in time, or another replica took it`;
      lost.abort(new NodelessError({ code: 'KubeRequestFailed', retryable: true, message }));
      return;
    }
  }
}

/** One try. Resolves with who holds the lease after it. */
async function tryAcquire(
  options: LeadershipOptions,
  seen: { renewTime: string; atMs: number },
  signal: AbortSignal,
): Promise<string> {
  const { client, namespace, name, identity, clock } = options;
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const lease = await getOrUndefined<Lease>(client, `${collection}/${name}`, signal);
  const mine = { holderIdentity: identity, leaseDurationSeconds: LEASE_SECONDS, renewTime: kubeMicroTime(clock.now()) };
  if (lease === undefined) {
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec: mine };
    await call(client, { method: 'POST', path: collection, body, signal });
    return identity;
  }
  const { holderIdentity = '', renewTime = '', leaseTransitions = 0 } = lease.spec;
  if (seen.renewTime !== renewTime) Object.assign(seen, { renewTime, atMs: clock.now() });
  const held = holderIdentity !== '' && holderIdentity !== identity;
  if (held && clock.now() - seen.atMs < LEASE_SECONDS * 1_000) return holderIdentity;
  const spec = { ...lease.spec, ...mine, leaseTransitions: leaseTransitions + (held ? 1 : 0) };
  try {
    await call(client, { method: 'PUT', path: `${collection}/${name}`, body: { ...lease, spec }, signal });
    return identity;
  } catch (error) {
    if (isStatus(error, 409)) return `${holderIdentity} (just now)`;
    throw error;
  }
}
