import type { ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { type Peer, peerOf } from './authentication.ts';
import type { DenialReason } from './refusal.ts';

/** Counts a connection with a cell, by whose certificate it is known; or tells which limit is against that. */
export type Prove = (cellId: string) => DenialReason | undefined;

/** A connection of either protocol; closing it lets what is under way finish. */
export interface Connection {
  readonly peer: Peer;
  readonly prove: Prove;
  close(): void;
  destroy(): void;
  onClose(listener: () => void): void;
}

/** A connection that speaks HTTP/1.1. */
export function plainConnection(socket: TLSSocket, prove: Prove): Connection {
  return {
    peer: peerOf(socket),
    prove,
    close: () => socket.end(),
    destroy: () => socket.destroy(),
    onClose: (listener) => socket.once('close', listener),
  };
}

/** A connection that speaks HTTP/2. */
export function http2Connection(session: ServerHttp2Session, prove: Prove): Connection {
  return {
    peer: peerOf(session.socket as TLSSocket),
    prove,
    close: () => session.close(),
    destroy: () => session.destroy(),
    onClose: (listener) => session.once('close', listener),
  };
}
