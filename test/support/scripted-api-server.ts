import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { systemClock } from '../../src/core/clock.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => void;

interface ScriptedApiServer {
  readonly origin: string;
  readonly client: KubeClient;
  close(): Promise<void>;
}

/** An HTTP server on loopback whose answers a test writes, and the real client in front of it. */
export async function scriptedApiServer(handler: Handler): Promise<ScriptedApiServer> {
  const server = createServer((request, response) =>
    handler(request, response, new URL(request.url ?? '/', 'http://x')),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'c', server: origin, skipTLSVerify: true }, { name: 'u', token: 't' });
  const client = await createKubeClient(config, systemClock);
  return {
    origin,
    client,
    async close() {
      await client.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers with JSON. */
export function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
