import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { DetailedPeerCertificate, PeerCertificate, TLSSocket } from 'node:tls';
import type { Clock } from '../core/clock.ts';
import { NodelessError } from '../core/errors.ts';
import { call } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Callers } from './callers.ts';
import { createExpiringCache } from './expiring-cache.ts';

/** Who a request comes from, as `SubjectAccessReview` wants it told. */
export interface UserInfo {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/**
 * Settles who sent a request; undefined for nobody that can be believed.
 * @throws when the API server can't say, NodelessError Throttled when it is not asked
 */
export type Authenticate = (request: IncomingMessage) => Promise<UserInfo | undefined>;

const AUTHENTICATED = 'system:authenticated';
/** As a kubelet: `authentication.webhook.cacheTTL`. */
const TOKEN_TTL_MS = 120_000;
/** Short: a token may become good (its service account's key arrives), and this only damps repetition. */
const REFUSED_TOKEN_TTL_MS = 10_000;
const MAX_TOKENS = 4_096;
/** Reviews under way; the API server is asked for other things as well. */
const MAX_REVIEWS = 16;

interface TokenReview {
  readonly status?: {
    readonly authenticated?: boolean;
    readonly user?: {
      readonly username?: string;
      readonly uid?: string;
      readonly groups?: string[];
      readonly extra?: Record<string, string[]>;
    };
  };
}

/** CN is the user and each O a group, as kube-apiserver's and kubelet's x509 authenticators read them. */
function userOfCertificate(certificate: Pick<PeerCertificate, 'subject'>): UserInfo | undefined {
  const subject = certificate.subject as unknown as Record<string, string | string[] | undefined> | undefined;
  const name = subject?.CN;
  if (typeof name !== 'string' || name === '') return undefined;
  return { username: name, groups: [...[subject?.O ?? []].flat(), AUTHENTICATED] };
}

/** `authorized` was settled in the handshake; a connection may outlive the certificate, so its dates count anew. */
function userOfConnection(socket: TLSSocket, nowMs: number): UserInfo | undefined {
  if (!socket.authorized) return undefined;
  const certificate: Partial<DetailedPeerCertificate> = socket.getPeerCertificate();
  const { subject, valid_from, valid_to } = certificate;
  if (subject === undefined || valid_from === undefined || valid_to === undefined) return undefined;
  if (!(Date.parse(valid_from) <= nowMs && nowMs < Date.parse(valid_to))) return undefined;
  return userOfCertificate({ subject });
}

function bearerToken(request: IncomingMessage): string | undefined {
  return /^bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
}

/** Believes a client certificate of the server's client authority, else a bearer token that a TokenReview accepts. */
export function createAuthentication(
  client: KubeClient,
  clock: Clock,
  callers: Pick<Callers, 'mayReview'>,
): Authenticate {
  const tokens = createExpiringCache<UserInfo | undefined>(clock, MAX_TOKENS);

  let underWay = 0;

  async function reviewWithin(token: string, socket: Socket): Promise<UserInfo | undefined> {
    if (underWay >= MAX_REVIEWS || !callers.mayReview(socket)) {
      const message = 'too many tokens are to be reviewed';
      throw new NodelessError({ code: 'Throttled', retryable: true, message });
    }
    underWay += 1;
    try {
      return await review(token);
    } finally {
      underWay -= 1;
    }
  }

  async function review(token: string): Promise<UserInfo | undefined> {
    const { status } = await call<TokenReview>(client, {
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/tokenreviews',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
      timeoutMs: 10_000,
    });
    const user = status?.user;
    if (status?.authenticated !== true || user?.username === undefined || user.username === '') return undefined;
    return {
      username: user.username,
      groups: user.groups ?? [],
      ...(user.uid === undefined ? {} : { uid: user.uid }),
      ...(user.extra === undefined ? {} : { extra: user.extra }),
    };
  }

  return async (request) => {
    const user = userOfConnection(request.socket as TLSSocket, clock.now());
    if (user !== undefined) return user;
    const token = bearerToken(request);
    if (token === undefined) return undefined;
    const key = createHash('sha256').update(token).digest('base64');
    return tokens.get(key, async () => {
      const value = await reviewWithin(token, request.socket);
      return { value, ttlMs: value === undefined ? REFUSED_TOKEN_TTL_MS : TOKEN_TTL_MS };
    });
  };
}
