import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Readable } from 'node:stream';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { Refusal, statusOf } from './refusal.ts';

export type App = FastifyInstance<Http2SecureServer, Http2ServerRequest, Http2ServerResponse>;
export type Request = FastifyRequest<Record<string, unknown>, Http2SecureServer, Http2ServerRequest>;
export type Response = FastifyReply<
  Record<string, unknown>,
  Http2SecureServer,
  Http2ServerRequest,
  Http2ServerResponse
>;

/** What a listener does with a request. */
export interface Hooks {
  /** Before any of the body is read; answers right here, or returns undefined for the rest to follow. */
  readonly begin: (request: Request, response: Response) => Promise<Response | undefined>;
  readonly read: (request: Request, payload: Readable) => Promise<Buffer | Refusal>;
  readonly handle: (request: Request, response: Response, body: Buffer | Refusal | undefined) => Promise<void>;
}

/** Node's own options for TLS: keys, certificates, the authority of clients. */
export type TlsOptions = Readonly<Record<string, unknown>>;

const MAX_HEADER_BYTES = 16 * 1024;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const SESSION_IDLE_MS = 180_000;
const MAX_STREAMS = 250;
/**
 * What Node holds against one HTTP/2 connection, which it closes then. A kubelet that loses all of its pods at once
 * resets the watches of what they referred to: hundreds, not thousands.
 */
const FLOOD_LIMITS = {
  maxHeaderListPairs: 64,
  streamResetBurst: 1_000,
  streamResetRate: 33,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
  maxSettings: 32,
  /** In MiB. */
  maxSessionMemory: 10,
};

/** An HTTPS server of HTTP/2 and 1.1 that parses nothing by itself and leaves every request to the hooks. */
export function createApp(tls: TlsOptions, hooks: Hooks): App {
  const app = fastify({
    http2: true,
    http2SessionTimeout: SESSION_IDLE_MS,
    https: {
      ...tls,
      allowHTTP1: true,
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      ...FLOOD_LIMITS,
      settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: MAX_HEADER_BYTES, enablePush: false },
    },
    logger: false,
    forceCloseConnections: false,
    return503OnClosing: false,
    exposeHeadRoutes: false,
    frameworkErrors: (_error, _request, response) => sendRefusal(response as unknown as Response, unknownPath()),
  });
  app.removeAllContentTypeParsers();
  app.addHook('onRequest', (request, response) => hooks.begin(request as Request, response as Response));
  app.addContentTypeParser('*', async (request: unknown, payload: Readable) => hooks.read(request as Request, payload));
  app.setErrorHandler((error, _request, response) => sendRefusal(response as Response, refusalOf(error)));
  app.setNotFoundHandler((_request, response) => sendRefusal(response as Response, unknownPath()));
  app.all('/*', async (request, response) => {
    const { body } = request as { body: Buffer | Refusal | undefined };
    await hooks.handle(request as Request, response as Response, body);
    return response;
  });
  return app as unknown as App;
}

function unknownPath(): Refusal {
  return new Refusal(404, 'the server could not find the requested resource', { denial: 'bad-path' });
}

function refusalOf(error: unknown): Refusal {
  const { statusCode } = error as { statusCode?: number };
  if (statusCode !== undefined && statusCode < 500) return new Refusal(400, 'the request can not be read');
  return new Refusal(500, 'Internal Server Error');
}

/** Answers with an error Status. */
export function sendRefusal(response: Response, refusal: Refusal): void {
  response.code(refusal.status).header('content-type', 'application/json');
  if (refusal.retryAfterSeconds !== undefined) response.header('retry-after', String(refusal.retryAfterSeconds));
  response.send(JSON.stringify(statusOf(refusal)));
}
