import type { Logger } from 'pino';
import { type Clock, kubeMicroTime } from '../core/clock.ts';
import { messageOf, NodelessError } from '../core/errors.ts';
import type { KubeClient } from './client.ts';
import { createLease, LEASE_MS, type Lease, readLease, renewLease, writeLease } from './lease.ts';

export interface LeadershipOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  /** Who leads; no two processes may have the same. */
  readonly identity: string;
  /** True when a holder is known to have ended, so that its lease need not be waited out. */
  readonly hasEnded: (holder: string) => Promise<boolean>;
  readonly clock: Clock;
  /** Milliseconds since some moment, that no change of the wall clock touches, and that count while the machine sleeps. */
  readonly uptimeMs: () => number;
  readonly logger: Logger;
}

/** A leader that has not renewed for so long may not act. */
const RENEW_DEADLINE_MS = 8_000;
const RETRY_MS = 2_000;
/** Of one call: so that a slow answer leaves time for another try. */
const CALL_MS = RENEW_DEADLINE_MS / 2;

/** A replica's leadership. */
export interface Leadership {
  /** Aborts when another replica leads, or has led. */
  readonly signal: AbortSignal;
  /**
   * Whether this replica may act now. False while the lease can't be renewed: another may lead without our knowing.
   * What only serves what is known (the cell API) goes on meanwhile, so that an outage of the API server cuts no cell off.
   */
  isHeld(): boolean;
  /** Milliseconds for which no other replica can lead; 0 when this one may not act. */
  heldForMs(): number;
  /** Stops renewing and gives the lease up, so that another replica need not wait; call when all that acts has stopped. */
  release(): Promise<void>;
}

/** What a standby has seen of the lease. */
interface Sight {
  renewTime: string;
  /** When that renewal was first seen, by our uptime. */
  atMs: number;
}

/** The lease as we have it, and when its last renewal that succeeded was asked for: it counts from then. */
interface Held {
  lease: Lease;
  askedAtMs: number;
}

/**
 * Waits until this replica leads; renewal goes on until `signal` aborts.
 * A lease counts as expired by how long *we* have seen it unchanged, so clocks need not agree (client-go's rule).
 */
export async function becomeLeader(options: LeadershipOptions, signal: AbortSignal): Promise<Leadership> {
  const { logger, name, identity, uptimeMs } = options;
  const held = await waitForLease(options, signal);
  logger.info({ lease: name, identity }, 'leading');
  const lost = new AbortController();
  const released = new AbortController();
  const renewing = keepRenewing(options, held, lost, AbortSignal.any([signal, released.signal]));

  function heldForMs(): number {
    const sinceMs = uptimeMs() - held.askedAtMs;
    const over = lost.signal.aborted || released.signal.aborted || sinceMs > RENEW_DEADLINE_MS;
    return over ? 0 : LEASE_MS - sinceMs;
  }

  return {
    signal: AbortSignal.any([signal, lost.signal]),
    isHeld: () => heldForMs() > 0,
    heldForMs,
    async release() {
      released.abort();
      await renewing;
      if (!lost.signal.aborted) await releaseLease(options).catch(() => undefined);
    },
  };
}

async function waitForLease(options: LeadershipOptions, signal: AbortSignal): Promise<Held> {
  const { clock, uptimeMs, logger, name } = options;
  const sight: Sight = { renewTime: '', atMs: uptimeMs() };
  let waiting = false;
  for (;;) {
    signal.throwIfAborted();
    const askedAtMs = uptimeMs();
    const tried = await tryAcquire(options, sight, signal).catch((error) => {
      signal.throwIfAborted();
      return messageOf(error);
    });
    if (typeof tried !== 'string') return { lease: tried, askedAtMs };
    if (!waiting) logger.info({ lease: name, holder: tried }, 'waiting to lead');
    waiting = true;
    const untilExpiryMs = sight.atMs + LEASE_MS - uptimeMs();
    await clock.sleep(untilExpiryMs > 0 ? Math.min(RETRY_MS, untilExpiryMs) : RETRY_MS, signal);
  }
}

function mine({ identity, clock }: LeadershipOptions) {
  const leaseDurationSeconds = LEASE_MS / 1_000;
  return { holderIdentity: identity, leaseDurationSeconds, renewTime: kubeMicroTime(clock.now()) };
}

function callDeadline(signal: AbortSignal): () => AbortSignal {
  return () => AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]);
}

/** One try. Resolves with the lease when it is ours now, else with who holds it. */
async function tryAcquire(options: LeadershipOptions, sight: Sight, signal: AbortSignal): Promise<Lease | string> {
  const { identity, hasEnded, uptimeMs } = options;
  const deadline = callDeadline(signal);
  const lease = await readLease(options, deadline());
  if (lease === undefined) return createLease(options, mine(options), deadline());
  const { holderIdentity = '', renewTime = '', leaseTransitions = 0 } = lease.spec;
  if (sight.renewTime !== renewTime) Object.assign(sight, { renewTime, atMs: uptimeMs() });
  const held = holderIdentity !== '' && holderIdentity !== identity;
  const expired = uptimeMs() - sight.atMs >= LEASE_MS;
  if (held && !expired && !(await hasEnded(holderIdentity))) return holderIdentity;
  const spec = { ...mine(options), leaseTransitions: leaseTransitions + (held ? 1 : 0) };
  return writeLease(options, lease, spec, deadline());
}

async function keepRenewing(
  options: LeadershipOptions,
  held: Held,
  lost: AbortController,
  signal: AbortSignal,
): Promise<void> {
  const { clock, uptimeMs, logger, name } = options;
  let failing = false;
  while (!signal.aborted) {
    await clock.sleep(RETRY_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    const askedAtMs = uptimeMs();
    const renewed = await renewLease(options, held.lease, mine(options), callDeadline(signal)).catch(() => undefined);
    if (renewed === undefined) {
      if (!failing && !signal.aborted) {
        logger.warn({ lease: name }, 'the lease can not be renewed; nothing is launched or ended meanwhile');
        failing = true;
      }
    } else if ('lostTo' in renewed) {
      logger.error({ lease: name, holder: renewed.lostTo }, 'another replica leads');
      const message = `the lease ${name} was lost to ${renewed.lostTo}`;
      lost.abort(new NodelessError({ code: 'NotLeading', retryable: true, message }));
      return;
    } else {
      Object.assign(held, { lease: renewed.lease, askedAtMs });
      if (failing) logger.info({ lease: name }, 'the lease is renewed again');
      failing = false;
    }
  }
}

async function releaseLease(options: LeadershipOptions): Promise<void> {
  const signal = AbortSignal.timeout(RETRY_MS);
  const lease = await readLease(options, signal);
  if (lease?.spec.holderIdentity === options.identity) {
    await writeLease(options, lease, { holderIdentity: '' }, signal);
  }
}
