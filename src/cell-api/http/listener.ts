import { constants } from 'node:crypto';
import type { ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { NodelessError } from '../../core/errors.ts';
import type { KeyPairPem } from '../../pki/certificates.ts';
import { type App, createApp, type Request, type Response } from './app.ts';
import { onceClosed } from './closed.ts';
import { type Connection, http2Connection, plainConnection } from './connection.ts';
import { limitControlFrames } from './control-frames.ts';
import { Gate } from './gate.ts';
import { leaveBody } from './leave-body.ts';
import { type DenialReason, Refusal } from './refusal.ts';
import { type Admission, RequestBody } from './request-body.ts';

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
  /** What becomes of a request, and what may be read of its body. */
  readonly admit: (request: Request, connection: Connection) => Admission;
  /** Told of a connection once its handshake is through; returns why it is to be cut. */
  readonly greet: (connection: Connection) => DenialReason | undefined;
  /** Told for each connection that was refused or cut. */
  readonly onDenied: (reason: DenialReason) => void;
  readonly now: () => number;
}

const KEEP_ALIVE_MS = 30_000;
/** Of all cells together; more would exhaust the process's files. */
const MAX_CONNECTIONS = 20_000;
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
  readonly #gate: Gate;
  #app: App | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#gate = new Gate(options);
  }

  /** @throws NodelessError PortInUse */
  async start(serving: KeyPairPem): Promise<number> {
    const app = createApp(this.#tls(serving), {
      begin: (request, response) => this.#begin(request, response),
      read: (request, payload) => this.#read(request, payload),
      handle: (request, response, body) => this.#handle(request, response, body),
    });
    this.#app = app;
    app.server.maxConnections = MAX_CONNECTIONS;
    this.#gate.guard(app.server);
    app.server.on('secureConnection', (socket) => {
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      if (socket.alpnProtocol !== 'h2') this.#greet(socket, this.#plain(socket));
    });
    // A client that breaks off its handshake is no error of ours; without a listener Node destroys the socket too.
    app.server.on('sessionError', () => undefined);
    app.server.on('session', (session) => {
      const socket = session.socket as TLSSocket;
      if (!socket.authorized) session.settings({ maxConcurrentStreams: MAX_STRANGER_STREAMS });
      const connection = this.#http2(session);
      limitControlFrames(session, this.#options.now, () => this.#cut(connection, 'control-frames'));
      this.#greet(session, connection);
    });
    return this.#listen(app);
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
      this.#gate.destroyAll();
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

  /** Called about once a second. */
  tick(): void {
    this.#gate.tick();
  }

  #plain(socket: TLSSocket): Connection {
    return plainConnection(socket, (cellId) => this.#gate.prove(socket, cellId));
  }

  #http2(session: ServerHttp2Session): Connection {
    return http2Connection(session, (cellId) => this.#gate.prove(session.socket as TLSSocket, cellId));
  }

  #greet(key: object, connection: Connection): void {
    this.#connections.set(key, connection);
    connection.onClose(() => this.#connections.delete(key));
    const denial = this.#options.greet(connection);
    if (denial !== undefined) this.#cut(connection, denial);
  }

  #cut(connection: Connection, denial: DenialReason): void {
    this.#options.onDenied(denial);
    connection.destroy();
  }

  /** Before any of the body is read: whoever may not send one is answered right here. */
  async #begin(request: Request, response: Response): Promise<Response | undefined> {
    const connection = this.#connectionOf(request);
    const admission = this.#options.admit(request, connection);
    if (admission !== undefined && 'cut' in admission) {
      response.hijack();
      this.#cut(connection, admission.cut);
      return response;
    }
    if (admission === undefined || admission instanceof Refusal) {
      if (request.raw.stream?.session === undefined) leaveBody(request, response);
      await this.#options.handle(request, response, connection, admission);
      return response;
    }
    const body = new RequestBody(admission);
    this.#bodies.set(request, body);
    onceClosed(response.raw, () => {
      body.release();
      body.answered();
    });
    return undefined;
  }

  async #read(request: Request, payload: Readable): Promise<Buffer | Refusal> {
    const declared = Number(request.headers['content-length']);
    return this.#bodies.get(request)?.read(payload, Number.isNaN(declared) ? undefined : declared) ?? Buffer.alloc(0);
  }

  async #handle(request: Request, response: Response, body: Buffer | Refusal | undefined): Promise<void> {
    if (body instanceof Refusal) leaveBody(request, response);
    await this.#options.handle(request, response, this.#connectionOf(request), body);
    this.#bodies.get(request)?.answered();
  }

  #connectionOf(request: Request): Connection {
    // Over HTTP/1.1 the compatibility layer is not there, and `stream` neither.
    const session = request.raw.stream?.session as ServerHttp2Session | undefined;
    const known = this.#connections.get(session ?? request.raw.socket);
    if (known !== undefined) return known;
    const closed = session === undefined ? this.#plain(request.raw.socket as TLSSocket) : this.#http2(session);
    return { ...closed, onClose: (listener) => listener() };
  }
}
