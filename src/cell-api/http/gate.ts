import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { isLoopback } from '../../core/address-source.ts';
import { AddressLimits, type Admitted } from './address-limits.ts';
import type { DenialReason } from './refusal.ts';

export interface GateOptions {
  readonly now: () => number;
  /** Told for each connection that was not let in, or was cut. */
  readonly onDenied: (reason: DenialReason) => void;
}

interface Visitor {
  readonly admitted: Admitted;
  readonly socket: Socket;
  chargedBytes: number;
}

/** Both ends of a connection; the socket below TLS and the one above it have them in common. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

/**
 * Stands before a TLS server: refuses connections before their handshake, and cuts who sends too much. Connections from
 * the loopback address are this machine's own, not a cell's, and pass.
 */
export class Gate {
  readonly #options: GateOptions;
  readonly #limits = new AddressLimits();
  readonly #visitors = new Map<string, Visitor>();
  readonly #sockets = new Set<Socket>();

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Puts itself before what the server does with a new connection; call it before the server listens. */
  guard(server: Server): void {
    const begin = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      if (!this.#admit(socket)) {
        socket.destroy();
        return;
      }
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      for (const listener of begin) listener.call(server, socket);
    });
  }

  /** Counts a connection with the cell whose certificate it has shown, or tells which limit is against that. */
  prove(socket: TLSSocket, cellId: string): DenialReason | undefined {
    return this.#visitors.get(endsOf(socket))?.admitted.prove(cellId, this.#options.now());
  }

  /** Called about once a second. */
  tick(): void {
    for (const visitor of this.#visitors.values()) {
      if (this.#charge(visitor)) continue;
      this.#options.onDenied('receive-rate');
      visitor.socket.destroy();
    }
    this.#limits.tick(this.#options.now());
  }

  /** Ends every connection that was let in, those too that are still in their handshake and that TLS does not tell of. */
  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** False when more has come than may; who has sent nothing since is not the one to blame. */
  #charge(visitor: Visitor): boolean {
    const bytes = visitor.socket.bytesRead - visitor.chargedBytes;
    visitor.chargedBytes += bytes;
    return bytes === 0 || visitor.admitted.received(bytes, this.#options.now());
  }

  #admit(socket: Socket): boolean {
    const address = socket.remoteAddress;
    if (address === undefined) return false;
    if (isLoopback(address)) return true;
    const admitted = this.#limits.open(address, this.#options.now());
    if (typeof admitted === 'string') {
      this.#options.onDenied(admitted);
      return false;
    }
    const ends = endsOf(socket);
    const visitor = { admitted, socket, chargedBytes: 0 };
    this.#visitors.set(ends, visitor);
    socket.once('close', () => {
      this.#visitors.delete(ends);
      this.#charge(visitor);
      admitted.close();
    });
    return true;
  }
}
