import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { messageOf, NodelessError } from '../core/errors.ts';
import type { Callers } from './callers.ts';
import { type Dispatch, isUpgradable } from './dispatch.ts';

/** What the server shows, and which client certificates it believes; PEM. */
export interface ServerMaterial {
  readonly certPem: string;
  readonly keyPem: string;
  /** Undefined: no client certificate is believed. */
  readonly clientCaPem: string | undefined;
}

export interface EndpointServer {
  /** Takes effect for new connections; open ones go on. @throws when the PEM is not usable. */
  replace(material: ServerMaterial): void;
  /** @throws NodelessError PortInUse or ConfigInvalid. */
  listen(host: string, port: number): Promise<number>;
  /** Takes no more connections or requests; streams go on. */
  refuseNew(): void;
  /** Cuts every connection and resolves when the port is free. */
  close(): Promise<void>;
}

/** Longer than the 90 s after which Go clients close an idle connection, so that it is never cut as it is used. */
const KEEP_ALIVE_MS = 120_000;
const HANDSHAKE_MS = 10_000;

function tlsOptions({ certPem, keyPem, clientCaPem }: ServerMaterial): { cert: string; key: string; ca: string[] } {
  // An empty list, not undefined: that would stand for every public authority that Node.js knows.
  return { cert: certPem, key: keyPem, ca: clientCaPem === undefined ? [] : [clientCaPem] };
}

function notListening(error: NodeJS.ErrnoException, host: string, port: number): NodelessError {
  const identity = { host, port };
  return error.code === 'EADDRINUSE'
    ? new NodelessError({
        code: 'PortInUse',
        message: `the kubelet endpoint can't listen on ${host} port ${port}: another process does; end it or set another port`,
        identity,
        cause: error,
      })
    : new NodelessError({
        code: 'ConfigInvalid',
        message: `the kubelet endpoint can't listen on ${host} port ${port}: ${messageOf(error)}`,
        identity,
        cause: error,
      });
}

/**
 * The HTTPS server: HTTP/1.1, since upgrades are its main use. Plain node:https: routing must be the one reading of
 * the URL that authorization goes by.
 */
export function createEndpointServer(
  material: ServerMaterial,
  dispatch: Dispatch,
  callers: Pick<Callers, 'admit'>,
): EndpointServer {
  const server: Server = createServer(
    {
      ...tlsOptions(material),
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
      keepAliveTimeout: KEEP_ALIVE_MS,
      handshakeTimeout: HANDSHAKE_MS,
      shouldUpgradeCallback: (request: IncomingMessage) => isUpgradable(request.url ?? ''),
      // A stream's caller may be done writing and still read.
      ...{ allowHalfOpen: true },
    },
    dispatch.request,
  );
  const sockets = new Set<Duplex>();
  // The bare connections: with allowHalfOpen, one whose handshake was given up lingers.
  const begin = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    if (!callers.admit(socket)) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    for (const listener of begin) listener.call(server, socket);
  });
  server.on('upgrade', (request, socket, head) => dispatch.upgrade(request, socket as Socket, head));

  let closed: Promise<void> | undefined;
  function closeListener(): Promise<void> {
    closed ??= new Promise((resolve) => {
      if (server.listening) server.close(() => resolve());
      else resolve();
    });
    return closed;
  }

  return {
    replace(next) {
      server.setSecureContext(tlsOptions(next));
    },
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        const refuse = (error: NodeJS.ErrnoException) => reject(notListening(error, host, port));
        server.once('error', refuse);
        server.listen({ host, port }, () => {
          server.off('error', refuse);
          const address = server.address();
          resolve(typeof address === 'object' && address !== null ? address.port : port);
        });
      }),
    refuseNew() {
      void closeListener();
      server.closeIdleConnections();
    },
    async close() {
      const done = closeListener();
      for (const socket of sockets) socket.destroy();
      await done;
    },
  };
}
