import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { AddressLimits, type Admitted } from './address-limits.ts';
import type { DenialReason } from './refusal.ts';

export interface GateOptions {
  readonly now: () => number;
  /** Told for each connection that was not let in, or was cut. */
  readonly onDenied: (reason: DenialReason) => void;
}

interface Visitor {
  readonly admitted: Admitted;
  readonly address: string;
  readonly socket: Socket;
  receivedBytes: number;
}

/** Both ends of a connection's remote side; the socket below TLS and the one above it have it in common. */
function remoteKey({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/**
 * Stands before a TLS server: refuses connections before their handshake, and cuts who sends too much. Connections from
 * the server's own address are this machine's own, not a cell's, and pass.
 */
export class Gate {
  readonly #options: GateOptions;
  readonly #limits = new AddressLimits();
  readonly #visitors = new Map<string, Visitor>();

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Puts itself before what the server does with a new connection; call it before the server listens. */
  guard(server: Server): void {
    const begin = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      if (!this.#admit(socket)) socket.destroy();
      else for (const listener of begin) listener.call(server, socket);
    });
  }

  /** Counts a connection with the cell that its handshake has shown. */
  prove(socket: TLSSocket, cellId: string): void {
    this.#visitors.get(remoteKey(socket))?.admitted.prove(cellId);
  }

  /** Called about once a second. */
  tick(): void {
    const nowMs = this.#options.now();
    for (const visitor of this.#visitors.values()) {
      const { address, socket, receivedBytes } = visitor;
      visitor.receivedBytes = socket.bytesRead;
      const bytes = visitor.receivedBytes - receivedBytes;
      if (bytes === 0 || this.#limits.received(address, bytes, nowMs)) continue;
      this.#options.onDenied('receive-rate');
      socket.destroy();
    }
    this.#limits.tick(nowMs);
  }

  #admit(socket: Socket): boolean {
    const address = socket.remoteAddress;
    if (address === undefined) return false;
    if (address === socket.localAddress) return true;
    const admitted = this.#limits.open(address, this.#options.now());
    if (typeof admitted === 'string') {
      this.#options.onDenied(admitted);
      return false;
    }
    const key = remoteKey(socket);
    this.#visitors.set(key, { admitted, address, socket, receivedBytes: 0 });
    socket.once('close', () => {
      this.#visitors.delete(key);
      admitted.close();
    });
    return true;
  }
}
