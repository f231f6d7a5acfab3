import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../core/clock.ts';
import { cellIdOfUri } from '../../core/names.ts';
import type { CellBook } from '../ports.ts';
import type { Caller, Sessions } from '../session.ts';
import { notReady, Refusal } from './refusal.ts';

/** What a TLS connection has shown; settled at its handshake. */
export interface Peer {
  readonly remoteAddress: string;
  readonly certificate: X509Certificate | undefined;
  /** True when the certificate chains to our authority and was valid at the handshake. */
  readonly authorized: boolean;
  readonly authorizationError: string;
}

/** Reads the peer of a connection; call it while the connection is open. */
export function peerOf(socket: TLSSocket): Peer {
  return {
    remoteAddress: (socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
    certificate: socket.getPeerX509Certificate(),
    authorized: socket.authorized,
    // Node gives the code of the error here, whatever its types say.
    authorizationError: String(socket.authorizationError ?? ''),
  };
}

export interface AuthenticationOptions {
  readonly book: CellBook;
  readonly sessions: Sessions;
  readonly clock: Clock;
}

function unauthorized(denial: 'bad-certificate' | 'expired-certificate' | 'unknown-cell'): Refusal {
  return new Refusal(401, 'Unauthorized', { denial });
}

/** True while a certificate's dates hold; a connection may outlive them. */
export function isCurrent(certificate: X509Certificate, nowMs: number): boolean {
  return nowMs >= certificate.validFromDate.getTime() && nowMs < certificate.validToDate.getTime();
}

/** The cell that a certificate of our authority names. */
function cellIdOf(certificate: X509Certificate): string | undefined {
  const uris = (certificate.subjectAltName ?? '').split(', ').filter((name) => name.startsWith('URI:'));
  return uris.length === 1 ? cellIdOfUri(uris[0]?.slice('URI:'.length) ?? '') : undefined;
}

/**
 * Who sends a request: a cell by its certificate, else the bearer of a bootstrap token, else nobody. A certificate
 * that is not good does not fall back to nobody: it is refused by name, unless a token is shown too (a kubelet whose
 * certificate has expired starts anew that way).
 * @throws Refusal 401, 503 while the book is not complete
 */
export function authenticate(options: AuthenticationOptions, peer: Peer, authorization: string | undefined): Caller {
  const token = /^Bearer ([\x21-\x7e]{8,4096})$/i.exec(authorization ?? '')?.[1];
  const bootstrap: Caller | undefined =
    token === undefined ? undefined : { kind: 'bootstrap', token, remoteAddress: peer.remoteAddress };
  if (peer.certificate === undefined) return bootstrap ?? { kind: 'anonymous' };
  try {
    return cellOf(options, peer, peer.certificate);
  } catch (error) {
    if (bootstrap !== undefined) return bootstrap;
    throw error;
  }
}

function cellOf({ book, sessions, clock }: AuthenticationOptions, peer: Peer, certificate: X509Certificate): Caller {
  const expired = !isCurrent(certificate, clock.now()) || peer.authorizationError === 'CERT_HAS_EXPIRED';
  if (expired) throw unauthorized('expired-certificate');
  if (!peer.authorized) throw unauthorized('bad-certificate');
  const cellId = cellIdOf(certificate);
  if (cellId === undefined) throw unauthorized('bad-certificate');
  const cell = book.find(cellId);
  if (cell === undefined) {
    if (!book.complete) throw notReady('the provider is still reading the state of the cluster');
    throw unauthorized('unknown-cell');
  }
  return { kind: 'cell', cell, session: sessions.of(cellId), certificate };
}
