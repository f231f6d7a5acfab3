import type { Socket } from 'node:net';
import { isLoopback, sourceOf } from '../core/address-source.ts';
import { type Bucket, createBucket } from '../core/bucket.ts';
import type { Clock } from '../core/clock.ts';

/** New connections of one address; a scraper keeps one, the API server one for each stream. */
const CONNECTIONS_PER_SECOND = 20;
const CONNECTION_BURST = 300;
const MAX_CONNECTIONS = 128;
/** Of all such addresses together. */
const MAX_STRANGERS = 4_000;
/** Requests that are refused; who goes on is cut. */
const REFUSALS_PER_SECOND = 10;
const REFUSAL_BURST = 100;
/** Tokens that are new here; a scraper has one, and another each hour. */
const REVIEWS_PER_SECOND = 2;
const REVIEW_BURST = 20;
/** How long an address that was allowed something is not limited: the API server is asked by many. */
const TRUST_MS = 600_000;
const SWEEP_MS = 60_000;

interface Address {
  readonly connections: Bucket;
  readonly refusals: Bucket;
  readonly reviews: Bucket;
  open: number;
  trustedUntilMs: number;
}

/**
 * Who calls, by address: every pod reaches the endpoint, and may neither exhaust it nor have it ask the API server without
 * an end. An address that was allowed anything is not limited for a while, nor is this machine's own loopback address.
 */
export interface Callers {
  /** Whether a new connection may come in, before its handshake; it counts until it closes. */
  admit(socket: Socket): boolean;
  /** Tells that a request on this connection was allowed. */
  allowed(socket: Socket): void;
  /** Tells that one was refused, which cuts the connection when there were too many. */
  refused(socket: Socket): void;
  /** Whether a token that is not known yet may be reviewed for this connection. */
  mayReview(socket: Socket): boolean;
}

/** Nobody has called yet. */
export function createCallers(clock: Clock): Callers {
  const addresses = new Map<string, Address>();
  let strangers = 0;
  let sweptAtMs = clock.now();

  function of(source: string): Address {
    const known = addresses.get(source) ?? {
      connections: createBucket(CONNECTIONS_PER_SECOND, CONNECTION_BURST),
      refusals: createBucket(REFUSALS_PER_SECOND, REFUSAL_BURST),
      reviews: createBucket(REVIEWS_PER_SECOND, REVIEW_BURST),
      open: 0,
      trustedUntilMs: 0,
    };
    addresses.set(source, known);
    return known;
  }

  /** Forgets whom there is nothing to hold against, and nothing to credit. */
  function sweep(nowMs: number): void {
    if (nowMs - sweptAtMs < SWEEP_MS) return;
    sweptAtMs = nowMs;
    for (const [source, { connections, refusals, reviews, open, trustedUntilMs }] of addresses) {
      const isNew = [connections, refusals, reviews].every((bucket) => bucket.isFull(nowMs));
      if (open === 0 && isNew && trustedUntilMs <= nowMs) addresses.delete(source);
    }
  }

  /** Undefined for who is not limited. */
  function limited({ remoteAddress }: Socket): Address | undefined {
    if (remoteAddress !== undefined && isLoopback(remoteAddress)) return undefined;
    const known = of(sourceOf(remoteAddress ?? ''));
    return known.trustedUntilMs > clock.now() ? undefined : known;
  }

  return {
    admit(socket) {
      const nowMs = clock.now();
      sweep(nowMs);
      const known = limited(socket);
      if (known === undefined) return true;
      if (known.open >= MAX_CONNECTIONS || strangers >= MAX_STRANGERS || !known.connections.take(nowMs)) return false;
      known.open += 1;
      strangers += 1;
      socket.once('close', () => {
        known.open -= 1;
        strangers -= 1;
      });
      return true;
    },
    allowed({ remoteAddress }) {
      if (remoteAddress === undefined || isLoopback(remoteAddress)) return;
      of(sourceOf(remoteAddress)).trustedUntilMs = clock.now() + TRUST_MS;
    },
    refused(socket) {
      if (limited(socket)?.refusals.take(clock.now()) === false) socket.destroy();
    },
    mayReview: (socket) => limited(socket)?.reviews.take(clock.now()) ?? true,
  };
}
