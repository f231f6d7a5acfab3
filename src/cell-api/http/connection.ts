import type { ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { type Peer, peerOf } from './authentication.ts';

/** A connection of either protocol; closing it lets what is under way finish. */
export interface Connection {
  readonly peer: Peer;
  close(): void;
  destroy(): void;
  onClose(listener: () => void): void;
}

/** The cell whose connection it is, undefined for a stranger's, `cut` when the cell has too many. */
export type Greeting = { readonly cellId: string } | 'cut' | undefined;

/** A connection that speaks HTTP/1.1. */
export function plainConnection(socket: TLSSocket): Connection {
  return {
    peer: peerOf(socket),
    close: () => socket.end(),
    destroy: () => socket.destroy(),
    onClose: (listener) => socket.once('close', listener),
  };
}

/** A connection that speaks HTTP/2. */
export function http2Connection(session: ServerHttp2Session): Connection {
  return {
    peer: peerOf(session.socket as TLSSocket),
    close: () => session.close(),
    destroy: () => session.destroy(),
    onClose: (listener) => session.once('close', listener),
  };
}
