import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request as httpsRequest } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createAuthority } from '../../src/local-cluster/pki/authority.ts';

/** How the proxy treats what comes; nothing is done where it says nothing. */
export interface Faults {
  /** Connections are cut as they come, and those that are open at once. */
  readonly down?: boolean;
  /** Each request waits so long before it is passed on. */
  readonly delayMs?: number;
  /** The share of requests that are answered with one of `statuses` in place of an answer. */
  readonly failureRate?: number;
  readonly statuses?: readonly number[];
  /** The share of writes that are done and not answered: the connection is cut instead. */
  readonly lostAnswerRate?: number;
  /** How long a watch lives before it is cut. */
  readonly cutWatchesAfterMs?: number;
}

export interface FaultProxy {
  readonly url: string;
  /** PEM of the authority that its certificate is of. */
  readonly ca: string;
  set(faults: Faults): void;
  /** Requests since `sinceMs`, by second, those that were refused included. */
  ratesSince(sinceMs: number): readonly number[];
  close(): Promise<void>;
}

export interface FaultProxyOptions {
  readonly listenOn: string;
  readonly apiServer: string;
  /** PEM of the API server's authority. */
  readonly ca: string;
  /** Between 0 and 1. */
  readonly random: () => number;
}

const REASONS: Readonly<Record<number, string>> = { 410: 'Expired', 429: 'TooManyRequests', 500: 'InternalError' };

function refuse(response: ServerResponse, code: number): void {
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    reason: REASONS[code],
    code,
    message: 'injected',
  };
  const retry = code === 429 ? { 'retry-after': '1' } : {};
  response.writeHead(code, { 'content-type': 'application/json', ...retry }).end(JSON.stringify(body));
}

/** Stands between a client and a real API server, and makes it look worse than it is. */
export async function faultProxy({ listenOn, apiServer, ca, random }: FaultProxyOptions): Promise<FaultProxy> {
  const agent = new Agent({ ca, keepAlive: true, maxSockets: 200 });
  const sockets = new Set<Socket>();
  const seenAtMs: number[] = [];
  let faults: Faults = {};

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    seenAtMs.push(Date.now());
    const { delayMs = 0, failureRate = 0, statuses = [], lostAnswerRate = 0, cutWatchesAfterMs } = faults;
    if (delayMs > 0) await delay(delayMs);
    if (random() < failureRate) return refuse(response, statuses[Math.floor(random() * statuses.length)] ?? 500);
    const { method = 'GET', url = '/', headers } = request;
    const answered = method === 'GET' || random() >= lostAnswerRate;
    const upstream = httpsRequest(new URL(url, apiServer), { agent, method, headers });
    upstream.on('response', (answer) => {
      if (!answered) return void response.destroy();
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
    if (cutWatchesAfterMs === undefined || !url.includes('watch=')) return;
    await delay(cutWatchesAfterMs * (0.5 + random()));
    response.destroy();
  }

  const authority = await createAuthority('faults');
  const own = await authority.issue({ commonName: 'fault-proxy', ipAddresses: [listenOn], usage: 'server' });
  const server = createServer({ cert: own.certificate, key: own.key }, (request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  server.on('connection', (socket: Socket) => {
    if (faults.down === true) {
      seenAtMs.push(Date.now());
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, listenOn, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://${listenOn}:${port}`,
    ca: authority.certificate,
    set(next) {
      faults = next;
      if (next.down === true) for (const socket of sockets) socket.destroy();
    },
    ratesSince(sinceMs) {
      const rates = new Array<number>(Math.ceil((Date.now() - sinceMs) / 1_000)).fill(0);
      for (const atMs of seenAtMs) {
        const second = Math.floor((atMs - sinceMs) / 1_000);
        if (second >= 0 && second < rates.length) rates[second] = (rates[second] ?? 0) + 1;
      }
      return rates;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      agent.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
