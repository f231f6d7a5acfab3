import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Authority } from './authority.ts';

export interface FakeKubeletOptions {
  /** Signs the serving certificate, and the client certificates that are let in. */
  readonly authority: Authority;
  readonly ip?: string;
  readonly request?: (request: IncomingMessage, response: ServerResponse) => void;
  readonly upgrade?: (request: IncomingMessage, socket: Socket, head: Buffer) => void;
}

export interface FakeKubelet {
  readonly port: number;
  /** Every request that came, upgrades included. */
  readonly seen: { method: string; url: string; headers: IncomingMessage['headers']; user: string }[];
  close(): Promise<void>;
}

/** A kubelet's HTTPS server over real TLS that lets in only certificates of its authority. */
export async function fakeKubelet(options: FakeKubeletOptions): Promise<FakeKubelet> {
  const { authority, ip = '127.0.0.1' } = options;
  const serving = await authority.issue({ cn: 'system:node:vnode', o: ['system:nodes'], ip });
  const seen: FakeKubelet['seen'] = [];
  function note(request: IncomingMessage): void {
    const user = (request.socket as TLSSocket).getPeerCertificate().subject.CN as string;
    seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, user });
  }
  const server = createServer(
    { ...serving, ca: authority.pem, requestCert: true, rejectUnauthorized: true, ...{ allowHalfOpen: true } },
    (request, response) => {
      note(request);
      if (options.request === undefined) response.writeHead(404).end('no such page');
      else options.request(request, response);
    },
  );
  const sockets = new Set<Duplex>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  if (options.upgrade !== undefined) {
    server.on('upgrade', (request, socket, head) => {
      note(request);
      options.upgrade?.(request, socket as Socket, head);
    });
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
