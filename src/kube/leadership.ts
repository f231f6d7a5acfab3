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
  /** Who leads; no two processes may have the same. */
  readonly identity: string;
  /** True when a holder is known to have ended, so that its lease need not be waited out. */
  readonly hasEnded: (holder: string) => Promise<boolean>;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Lease extends KubeObject {
  spec: { holderIdentity?: string; leaseDurationSeconds?: number; renewTime?: string; leaseTransitions?: number };
}

/** What a replica has seen of the lease. */
interface Sight {
  renewTime: string;
  /** When that renewal was first seen, by our clock. */
  atMs: number;
  /** The lease as we have written it; renewed without reading it first, since it is nobody else's to write. */
  own?: Lease | undefined;
}

interface Renewal {
  /** When the last one that succeeded was asked for. */
  atMs: number;
  readonly sight: Sight;
}

/**
 * A leader that has not renewed for so long may not act; another takes over only after the whole lease. A standby looks
 * every RETRY_MS, so it leads at most LEASE_SECONDS + RETRY_MS after a leader's last renewal, whatever became of that.
 */
const RENEW_DEADLINE_MS = 8_000;
const LEASE_SECONDS = 12;
const RETRY_MS = 2_000;

/** A replica's leadership. */
export interface Leadership {
  /** Aborts when another replica leads. */
  readonly signal: AbortSignal;
  /**
   * Whether this replica may act now. False while the lease can't be renewed: another may lead without our knowing.
   * What only serves what is known (the cell API) goes on meanwhile, so that an outage of the API server cuts no cell off.
   */
  isHeld(): boolean;
  /** Stops renewing and gives the lease up, so that another replica need not wait; call when all that acts has stopped. */
  release(): Promise<void>;
}

/**
 * Waits until this replica leads; renewal goes on until `signal` aborts.
 * A lease counts as expired by how long *we* have seen it unchanged, so clocks need not agree (client-go's rule).
 */
export async function becomeLeader(options: LeadershipOptions, signal: AbortSignal): Promise<Leadership> {
  const { clock, logger, name, identity } = options;
  const sight: Sight = { renewTime: '', atMs: clock.now() };
  let waiting = false;
  for (;;) {
    signal.throwIfAborted();
    const holder = await tryAcquire(options, sight, signal).catch((error) => {
      signal.throwIfAborted();
      return messageOf(error);
    });
    if (holder === identity) break;
    if (!waiting) logger.info({ lease: name, holder }, 'waiting to lead');
    waiting = true;
    const untilExpiryMs = sight.atMs + LEASE_SECONDS * 1_000 - clock.now();
    await clock.sleep(untilExpiryMs > 0 ? Math.min(RETRY_MS, untilExpiryMs) : RETRY_MS, signal);
  }
  logger.info({ lease: name, identity }, 'leading');
  const lost = new AbortController();
  const renewal: Renewal = { atMs: clock.now(), sight };
  const released = new AbortController();
  const renewing = keepRenewing(options, renewal, lost, AbortSignal.any([signal, released.signal]));
  return {
    signal: AbortSignal.any([signal, lost.signal]),
    isHeld: () => !lost.signal.aborted && clock.now() - renewal.atMs <= RENEW_DEADLINE_MS,
    async release() {
      released.abort();
      await renewing;
      if (!lost.signal.aborted) await releaseLease(options).catch(() => undefined);
    },
  };
}

async function keepRenewing(
  options: LeadershipOptions,
  renewal: Renewal,
  lost: AbortController,
  signal: AbortSignal,
): Promise<void> {
  const { clock, logger, name, identity } = options;
  let failing = false;
  while (!signal.aborted) {
    await clock.sleep(RETRY_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    const askedAtMs = clock.now();
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(RENEW_DEADLINE_MS / 2)]);
    // Another's lease is not taken over from here, however old it looks: it may have been renewed while we were frozen.
    Object.assign(renewal.sight, { renewTime: '', atMs: askedAtMs });
    const holder = await tryAcquire(options, renewal.sight, deadline).catch(() => undefined);
    if (holder === identity) {
      renewal.atMs = askedAtMs;
      if (failing) logger.info({ lease: name }, 'the lease is renewed again');
      failing = false;
    } else if (holder !== undefined) {
      logger.error({ lease: name, holder }, 'another replica leads');
      const message = `the lease ${name} was taken by ${holder}`;
      lost.abort(new NodelessError({ code: 'KubeRequestFailed', retryable: true, message }));
      return;
    } else if (!failing && !signal.aborted) {
      failing = true;
      logger.warn({ lease: name }, 'the lease can not be renewed; nothing is launched or ended meanwhile');
    }
  }
}

async function releaseLease({ client, namespace, name, identity }: LeadershipOptions): Promise<void> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${name}`;
  const signal = AbortSignal.timeout(RETRY_MS);
  const lease = await getOrUndefined<Lease>(client, path, signal);
  if (lease?.spec.holderIdentity !== identity) return;
  await call(client, { method: 'PUT', path, body: { ...lease, spec: { ...lease.spec, holderIdentity: '' } }, signal });
}

/** One try. Resolves with who holds the lease after it. */
async function tryAcquire(options: LeadershipOptions, sight: Sight, signal: AbortSignal): Promise<string> {
  const { client, namespace, name, identity, hasEnded, clock } = options;
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const known = sight.own;
  const lease = known ?? (await getOrUndefined<Lease>(client, `${collection}/${name}`, signal));
  const mine = { holderIdentity: identity, leaseDurationSeconds: LEASE_SECONDS, renewTime: kubeMicroTime(clock.now()) };
  if (lease === undefined) {
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec: mine };
    sight.own = await call<Lease>(client, { method: 'POST', path: collection, body, signal });
    return identity;
  }
  const { holderIdentity = '', renewTime = '', leaseTransitions = 0 } = lease.spec;
  if (sight.renewTime !== renewTime) Object.assign(sight, { renewTime, atMs: clock.now() });
  const held = holderIdentity !== '' && holderIdentity !== identity;
  const expired = clock.now() - sight.atMs >= LEASE_SECONDS * 1_000;
  if (held && !expired && !(await hasEnded(holderIdentity))) return holderIdentity;
  const spec = { ...lease.spec, ...mine, leaseTransitions: leaseTransitions + (held ? 1 : 0) };
  try {
    sight.own = undefined;
    const path = `${collection}/${name}`;
    sight.own = await call<Lease>(client, { method: 'PUT', path, body: { ...lease, spec }, signal });
    return identity;
  } catch (error) {
    if (!isStatus(error, 409)) throw error;
    // What we had written last is no more: look at who was faster.
    if (known !== undefined) return tryAcquire(options, sight, signal);
    const message = 'the lease changed meanwhile';
    throw new NodelessError({ code: 'KubeRequestFailed', retryable: true, message, cause: error });
  }
}
