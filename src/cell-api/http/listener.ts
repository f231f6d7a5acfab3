import { constants } from 'node:crypto';
import type {
  Http2SecureServer,
  Http2ServerRequest,
  Http2ServerResponse,
  ServerHttp2Session,
  ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { NodelessError } from '../../core/errors.ts';
import type { KeyPairPem } from '../authority/certificates.ts';
import { type Peer, peerOf } from './authentication.ts';
import { Refusal, statusOf } from './refusal.ts';
import { type BodyAllowance, RequestBody } from './request-body.ts';

type App = FastifyInstance<Http2SecureServer, Http2ServerRequest, Http2ServerResponse>;
type Request = FastifyRequest<Record<string, unknown>, Http2SecureServer, Http2ServerRequest>;
type Response = FastifyReply<Record<string, unknown>, Http2SecureServer, Http2ServerRequest, Http2ServerResponse>;

/** A connection of either protocol; closing it lets what is under way finish. */
export interface Connection {
  readonly peer: Peer;
  close(): void;
  destroy(): void;
  onClose(listener: () => void): void;
}

/** Answers a request; its body is a Refusal where more came than its allowance. */
export type Handler = (
  request: Request,
  response: Response,
  connection: Connection,
  body: Buffer | Refusal | undefined,
) => Promise<void>;

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** PEM of the authority whose client certificates count. */
  readonly caPem: string;
  readonly handle: Handler;
  /** What may be read of a request's body; undefined when it is to be handled without. */
  readonly allowance: (request: Request, connection: Connection) => BodyAllowance | undefined;
}

const MAX_HEADER_BYTES = 16 * 1024;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const SESSION_IDLE_MS = 180_000;
const KEEP_ALIVE_MS = 30_000;
/** Of all cells together; more would exhaust the process's files. */
const MAX_CONNECTIONS = 20_000;
const MAX_STREAMS = 250;
/** Of a connection without a certificate of ours: a kubelet that starts uses two. */
const MAX_STRANGER_STREAMS = 16;
const CLOSE_GRACE_MS = 1_000;

/**
 * The HTTPS listener, HTTP/2 and 1.1. Client certificates are asked for and judged per request, so that their lack
 * is answered with a Status; session tickets are off, so that each connection shows its certificate anew.
 */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #connections = new Map<object, Connection>();
  readonly #bodies = new WeakMap<object, RequestBody>();
  #app: App | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** @throws NodelessError PortInUse */
  async start(serving: KeyPairPem): Promise<number> {
    const app = fastify({
      http2: true,
      http2SessionTimeout: SESSION_IDLE_MS,
      https: {
        ...this.#tls(serving),
        allowHTTP1: true,
        requestCert: true,
        rejectUnauthorized: false,
        handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
        maxHeaderListPairs: 64,
        settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: MAX_HEADER_BYTES, enablePush: false },
      },
      logger: false,
      forceCloseConnections: false,
      return503OnClosing: false,
      exposeHeadRoutes: false,
      frameworkErrors: (_error, _request, response) => sendRefusal(response as unknown as Response, unknownPath()),
    });
    this.#app = app as unknown as App;
    app.removeAllContentTypeParsers();
    app.addHook('onRequest', (request, response) => this.#begin(request as Request, response as Response));
    app.addContentTypeParser('*', async (request: unknown, payload: Readable) =>
      this.#read(request as Request, payload),
    );
    app.setErrorHandler((error, _request, response) => sendRefusal(response as Response, refusalOf(error)));
    app.setNotFoundHandler((_request, response) => sendRefusal(response as Response, unknownPath()));
    app.all('/*', async (request, response) => {
      const { body } = request as { body: Buffer | Refusal | undefined };
      await this.#handle(request as Request, response as Response, body);
      return response;
    });
    app.server.maxConnections = MAX_CONNECTIONS;
    app.server.on('secureConnection', (socket) => socket.setKeepAlive(true, KEEP_ALIVE_MS));
    // A client that breaks off its handshake is no error of ours; without a listener Node destroys the socket too.
    app.server.on('sessionError', () => undefined);
    app.server.on('session', (session) => {
      const { authorized } = session.socket as TLSSocket;
      if (!authorized) session.settings({ maxConcurrentStreams: MAX_STRANGER_STREAMS });
    });
    return this.#listen(this.#app);
  }

  /** Swaps the serving certificate; open connections keep theirs. */
  renew(serving: KeyPairPem): void {
    this.#app?.server.setSecureContext(this.#tls(serving));
  }

  async stop(): Promise<void> {
    const app = this.#app;
    if (app === undefined) return;
    this.#app = undefined;
    for (const connection of this.#connections.values()) connection.close();
    const cut = setTimeout(() => {
      for (const connection of this.#connections.values()) connection.destroy();
    }, CLOSE_GRACE_MS);
    await app.close();
    clearTimeout(cut);
    for (const connection of this.#connections.values()) connection.destroy();
  }

  #tls(serving: KeyPairPem) {
    return {
      key: serving.keyPem,
      cert: serving.certPem,
      ca: this.#options.caPem,
      minVersion: 'TLSv1.2' as const,
      secureOptions: constants.SSL_OP_NO_TICKET,
    };
  }

  async #listen(app: App): Promise<number> {
    const { host, port } = this.#options;
    try {
      await app.listen({ host, port });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
      throw new NodelessError({
        code: 'PortInUse',
        message: `the cell API can not listen on ${host}:${port}, another process does; end it or choose another port`,
        cause,
        identity: { host, port },
      });
    }
    return (app.server.address() as AddressInfo).port;
  }

  /** Before any of the body is read: whoever may not send one is answered right here. */
  async #begin(request: Request, response: Response): Promise<Response | undefined> {
    const allowance = this.#options.allowance(request, this.#connectionOf(request));
    if (allowance === undefined) {
      if (request.raw.stream?.session === undefined) leaveBody(request, response);
      await this.#handle(request, response, undefined);
      return response;
    }
    const body = new RequestBody(allowance);
    this.#bodies.set(request, body);
    response.raw.once('close', () => body.release());
    return undefined;
  }

  async #read(request: Request, payload: Readable): Promise<Buffer | Refusal> {
    const declared = Number(request.headers['content-length']);
    return this.#bodies.get(request)?.read(payload, Number.isNaN(declared) ? undefined : declared) ?? Buffer.alloc(0);
  }

  async #handle(request: Request, response: Response, body: Buffer | Refusal | undefined): Promise<void> {
    if (body instanceof Refusal) leaveBody(request, response);
    await this.#options.handle(request, response, this.#connectionOf(request), body);
  }

  #connectionOf(request: Request): Connection {
    // Over HTTP/1.1 the compatibility layer is not there, and `stream` neither.
    const session = request.raw.stream?.session as ServerHttp2Session | undefined;
    const key = session ?? request.raw.socket;
    const known = this.#connections.get(key);
    if (known !== undefined) return known;
    const connection =
      session === undefined ? plainConnection(request.raw.socket as TLSSocket) : http2Connection(session);
    this.#connections.set(key, connection);
    connection.onClose(() => this.#connections.delete(key));
    return connection;
  }
}

function plainConnection(socket: TLSSocket): Connection {
  return {
    peer: peerOf(socket),
    close: () => socket.end(),
    destroy: () => socket.destroy(),
    onClose: (listener) => socket.once('close', listener),
  };
}

function http2Connection(session: ServerHttp2Session): Connection {
  return {
    peer: peerOf(session.socket as TLSSocket),
    close: () => session.close(),
    destroy: () => session.destroy(),
    onClose: (listener) => session.once('close', listener),
  };
}

/**
 * Makes the answer the end of a body that was not read to its end. Over HTTP/2 a client gets a while to end the stream
 * itself, since Go takes a reset that overtakes the answer for a failure; streams never read are ended by Node.
 */
function leaveBody({ raw, headers }: Request, response: Response): void {
  const stream = raw.stream as ServerHttp2Stream | undefined;
  if (stream?.session !== undefined) {
    stream.once('finish', () => setTimeout(() => stream.close(), CLOSE_GRACE_MS).unref());
  } else if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) {
    response.header('connection', 'close');
  }
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
