import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { type FastifyInstance, fastify } from 'fastify';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { isNodelessError, messageOf } from '../../src/core/errors.ts';
import { type AdmissionAnswer, type AdmissionRequest, parseReview, reviewOf } from './admission-review.ts';
import type { WebhookMetrics } from './metrics.ts';

/** Certificate and key, PEM. */
export interface ServingPair {
  readonly cert: string;
  readonly key: string;
}

export type App = FastifyInstance<Http2SecureServer, Http2ServerRequest, Http2ServerResponse>;

export interface AppOptions {
  readonly serving: ServingPair;
  /** What answers, by path. */
  readonly webhooks: Readonly<Record<string, (request: AdmissionRequest) => AdmissionAnswer>>;
  /** False until the caches are complete: what is judged without them may be judged wrong. */
  readonly isReady: () => boolean;
  /** Whether the namespace of a review is known, if need be after a moment. */
  readonly whenKnown?: (namespace: string) => boolean | Promise<boolean>;
  readonly metrics: WebhookMetrics;
  /** How long a request may take to come, and to be answered; 10 s unless given. */
  readonly requestTimeoutMs?: number;
  readonly registry: Registry;
  readonly logger: Logger;
}

/** Objects are at most 1.5 MiB in etcd; a review has one, and the wrapping. */
export const BODY_LIMIT_BYTES = 3 * 1_024 * 1_024;
const REQUEST_TIMEOUT_MS = 10_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Longer than the 90 s after which Go clients close an idle connection, so that it is never cut as it is used. */
const IDLE_MS = 120_000;
/** What Go's servers have, and API servers ask of webhooks at once. */
const MAX_STREAMS = 250;
const MAX_CONNECTIONS = 512;
/** In MiB: an API server asks all on one connection, and Node refuses streams of one that holds more (10 unless given). */
const MAX_SESSION_MEMORY = 64;

function refusal(status: number, message: string): { readonly status: number; readonly body: object } {
  return { status, body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, message } };
}

/** What a failure is to its caller. What is not the caller's fault is told without its particulars. */
function refusalOf(error: unknown) {
  if (isNodelessError(error, 'AdmissionInvalid')) return refusal(400, messageOf(error));
  const { statusCode = 500 } = error as { readonly statusCode?: number };
  if (statusCode === 413) return refusal(413, `the body is larger than ${BODY_LIMIT_BYTES} bytes`);
  if (statusCode === 415) return refusal(415, 'the content type is not application/json');
  if (statusCode >= 400 && statusCode < 500) return refusal(statusCode, 'the request can not be read');
  return refusal(500, 'Internal Server Error');
}

/** The HTTPS server of the webhooks, HTTP/2 and 1.1: reads reviews, and leaves the answers to the webhooks. */
export function createApp(options: AppOptions): App {
  const {
    serving,
    webhooks,
    isReady,
    whenKnown = () => true,
    metrics,
    registry,
    logger,
    requestTimeoutMs = REQUEST_TIMEOUT_MS,
  } = options;
  const app = fastify({
    http2: true,
    http2SessionTimeout: IDLE_MS,
    https: {
      ...serving,
      minVersion: 'TLSv1.2' as const,
      allowHTTP1: true,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      // Of HTTP/1.1, which the types of HTTP/2's options leave out.
      ...{ requestTimeout: requestTimeoutMs, keepAliveTimeout: IDLE_MS },
      maxSessionMemory: MAX_SESSION_MEMORY,
      settings: { maxConcurrentStreams: MAX_STREAMS, enablePush: false },
    },
    bodyLimit: BODY_LIMIT_BYTES,
    logger: false,
    exposeHeadRoutes: false,
    forceCloseConnections: false,
    return503OnClosing: false,
  });
  app.removeContentTypeParser('text/plain');
  // HTTP/2 has no such limit of its own, and HTTP/1.1's is looked at every 30 s.
  app.addHook('onRequest', ({ raw }, reply, done) => {
    const cut = setTimeout(() => (raw.stream ?? raw.socket).destroy(), requestTimeoutMs);
    reply.raw.once('close', () => clearTimeout(cut));
    done();
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  for (const [path, answer] of Object.entries(webhooks)) {
    app.post(path, async (request, reply) => {
      reply.header('content-type', 'application/json');
      if (!isReady()) return reply.code(503).send(refusal(503, 'the caches are not complete yet').body);
      const review = parseReview(request.body);
      if (review.namespace !== '' && !(await whenKnown(review.namespace)))
        return reply.code(503).send(refusal(503, 'the namespace is not known yet').body);
      return reply.send(reviewOf(review, answer(review)));
    });
  }
  app.get('/healthz', async () => 'ok');
  app.get('/readyz', async (_request, reply) => reply.code(isReady() ? 200 : 503).send(isReady() ? 'ok' : 'not yet'));
  app.get('/metrics', async (_request, reply) =>
    reply.header('content-type', registry.contentType).send(await registry.metrics()),
  );
  app.addHook('onResponse', (request, reply, done) => {
    const path = request.routeOptions.url;
    if (path !== undefined && webhooks[path] !== undefined)
      metrics.answered(path, reply.statusCode, reply.elapsedTime / 1_000);
    done();
  });
  app.setErrorHandler((error, request, reply) => {
    const { status, body } = refusalOf(error);
    if (status >= 500) logger.error({ path: request.url, reason: messageOf(error) }, 'a webhook failed');
    return reply.code(status).send(body);
  });
  return app as unknown as App;
}
