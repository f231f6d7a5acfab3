import type { AddressInfo } from 'node:net';
import { NodelessError } from '../../src/core/errors.ts';
import { type AppOptions, createApp, type ServingPair } from './app.ts';

export interface WebhookServer {
  readonly port: number;
  /** Takes effect for new connections; open ones go on. */
  renew(serving: ServingPair): void;
  /** Answers what has been asked, and frees the port. */
  stop(): Promise<void>;
}

export interface WebhookServerOptions extends AppOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
}

const STOP_GRACE_MS = 2_000;

/** Listens for admission reviews. @throws NodelessError PortInUse */
export async function startWebhookServer(options: WebhookServerOptions): Promise<WebhookServer> {
  const { host, port } = options;
  const app = createApp(options);
  const sessions = new Set<{ destroy(): void }>();
  const keep = (one: { destroy(): void; once(event: 'close', listener: () => void): unknown }) => {
    sessions.add(one);
    one.once('close', () => sessions.delete(one));
  };
  app.server.on('session', keep);
  app.server.on('secureConnection', keep);
  app.server.on('sessionError', () => undefined);
  try {
    await app.listen({ host, port });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    const message = `the webhooks can not listen on ${host}:${port}, another process does; end it or set webhook.port`;
    throw new NodelessError({ code: 'PortInUse', message, cause, identity: { host, port } });
  }
  return {
    port: (app.server.address() as AddressInfo).port,
    renew: (serving) => app.server.setSecureContext({ ...serving, minVersion: 'TLSv1.2' }),
    async stop() {
      const cut = setTimeout(() => {
        for (const session of sessions) session.destroy();
      }, STOP_GRACE_MS);
      await app.close();
      clearTimeout(cut);
    },
  };
}
