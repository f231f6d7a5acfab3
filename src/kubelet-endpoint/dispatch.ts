import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { isNodelessError, messageOf } from '../core/errors.ts';
import type { Aggregates } from './aggregates.ts';
import { type Answer, text, writeAnswer } from './answers.ts';
import type { Authenticate, UserInfo } from './authentication.ts';
import type { Authorize } from './authorization.ts';
import type { Callers } from './callers.ts';
import type { CellClient } from './cell-client.ts';
import type { Consoles } from './consoles.ts';
import type { EndpointMetrics } from './metrics.ts';
import { type CellAddress, type CellDirectory, isMissing, type Page } from './ports.ts';
import { proxyRequest } from './proxy.ts';
import { type PodPath, type Route, routeOf, STREAM_KINDS, subresourcesOf } from './route.ts';
import { closeWith } from './sockets.ts';
import type { Streams } from './streams.ts';
import { proxyUpgrade } from './upgrade-proxy.ts';

export interface DispatchOptions {
  readonly authenticate: Authenticate;
  readonly authorize: Authorize;
  readonly callers: Callers;
  readonly aggregates: Aggregates;
  readonly consoles: Consoles;
  readonly cells: CellDirectory;
  readonly client: CellClient;
  readonly page?: Page | undefined;
  readonly streams: Streams;
  readonly metrics: EndpointMetrics;
  readonly logger: Logger;
}

/** What the server does with each request. */
export interface Dispatch {
  request(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void;
}

type StreamRoute = Extract<Route, { readonly pod: PodPath }>;

function isStream(route: Route): route is StreamRoute {
  return 'pod' in route;
}

/** True where an `Upgrade` header is to be taken as one; elsewhere it is ignored, as RFC 9110 allows. */
export function isUpgradable(target: string): boolean {
  return (STREAM_KINDS as readonly string[]).includes(routeOf(target).kind);
}

function allowedMethods(route: Route): readonly string[] {
  if (route.kind === 'containerLogs') return ['GET'];
  if (isStream(route) || route.kind === 'stats/summary') return ['GET', 'POST', ...(isStream(route) ? [] : ['HEAD'])];
  return ['GET', 'HEAD'];
}

function isAnswer(value: CellAddress | Answer): value is Answer {
  return 'status' in value;
}

/** Makes the handlers: first who, then whether they may, then what; nothing is told to whom it is not for. */
export function createDispatch(options: DispatchOptions): Dispatch {
  const { aggregates, callers, cells, client, page, streams, metrics, logger } = options;
  let reviewsFail = false;

  function noteReview(reason: string | undefined): void {
    if (reason !== undefined && !reviewsFail)
      logger.warn({ reason }, 'API server does not review callers; refusing them');
    reviewsFail = reason !== undefined;
  }

  async function identify(request: IncomingMessage): Promise<UserInfo | Answer> {
    try {
      return (await options.authenticate(request)) ?? text(401, 'Unauthorized');
    } catch (error) {
      if (isNodelessError(error, 'Throttled')) return text(429, 'Too Many Requests');
      noteReview(messageOf(error));
      return text(401, 'Unauthorized');
    }
  }

  /** Who may go on, or what to tell who may not. */
  async function admission(request: IncomingMessage, route: Route): Promise<Answer | undefined> {
    const user = await identify(request);
    if ('status' in user) return user;
    const verdict = await options.authorize(user, request.method ?? '', subresourcesOf(route));
    noteReview(verdict.allowed ? undefined : verdict.cause);
    return verdict.allowed ? undefined : text(verdict.status, verdict.text);
  }

  /** Undefined for a caller who may go on. */
  async function refusal(request: IncomingMessage, route: Route): Promise<Answer | undefined> {
    const { method = '' } = request;
    const denied = await admission(request, route);
    if (denied !== undefined) {
      callers.refused(request.socket);
      return denied;
    }
    callers.allowed(request.socket);
    if (route.kind === 'malformed') return text(400, `${route.text}\n`);
    if (route.kind === 'refused') return text(route.status, `${route.text}\n`);
    return allowedMethods(route).includes(method) ? undefined : text(405, '405: Method Not Allowed');
  }

  /**
   * The cell that runs the pod named in the path. Of a 404 to a log request the API server shows nobody the text, of
   * a 400 it does: a kubelet answers 400 as well when there are no logs to show.
   */
  function locate(route: StreamRoute): CellAddress | Answer {
    const { namespace, name, uid } = route.pod;
    const found = cells.ofPod(namespace, name, route.cellId);
    if (isMissing(found)) return text(route.kind === 'containerLogs' ? 400 : 404, found.missing);
    return uid !== undefined && uid !== found.podUid ? text(404, 'pod not found') : found;
  }

  function failing(route: StreamRoute, cell: CellAddress): (reason: string) => void {
    const { namespace, name } = route.pod;
    const fields = { cell: cell.cellId, pod: `${namespace}/${name}`, route: route.kind };
    return (reason) => logger.warn({ ...fields, reason }, 'cell did not serve a stream');
  }

  async function answer(request: IncomingMessage, response: ServerResponse, route: Route): Promise<void> {
    const refused = await refusal(request, route);
    if (refused !== undefined) return writeAnswer(request, response, refused);
    if (route.kind === 'malformed' || route.kind === 'refused') return;
    if (route.kind === 'ui') {
      if (page === undefined) return writeAnswer(request, response, text(404, '404 page not found'));
      return page.serve(route.file, request, response);
    }
    if (route.kind === 'console') return writeAnswer(request, response, await options.consoles(route.cellId));
    if (!isStream(route)) return writeAnswer(request, response, await aggregates(route.kind, route.query));
    const cell = locate(route);
    if (isAnswer(cell)) return writeAnswer(request, response, cell);
    if (response.destroyed) return;
    const call = { cell, target: route.pod.path + route.query, failed: failing(route, cell) };
    proxyRequest(client, streams, request, response, call);
  }

  async function connect(request: IncomingMessage, socket: Socket, head: Buffer, route: Route): Promise<void> {
    const answered = (code: number) => {
      metrics.answered(route.kind, code);
      logger.debug({ method: request.method, route: route.kind, code }, 'upgrade answered');
    };
    const refused = await refusal(request, route);
    const cell = refused ?? (isStream(route) ? locate(route) : text(404, '404 page not found'));
    if (isAnswer(cell)) {
      answered(cell.status);
      closeWith(socket, cell.status, cell.body);
      return;
    }
    if (socket.destroyed || !isStream(route)) return;
    const call = { cell, target: route.pod.path + route.query, answered, failed: failing(route, cell) };
    proxyUpgrade(client, streams, { request, socket, head }, call);
  }

  return {
    request(request, response) {
      const target = request.url ?? '';
      const route = routeOf(target);
      response.once('close', () => {
        // 499: the caller went away before there was an answer.
        const code = response.headersSent ? response.statusCode : 499;
        metrics.answered(route.kind, code);
        logger.debug({ method: request.method, path: target.split('?', 1)[0], code }, 'request answered');
      });
      answer(request, response, route).catch((error: unknown) => {
        logger.error({ route: route.kind, reason: messageOf(error) }, 'request failed');
        if (response.headersSent) response.destroy();
        else response.writeHead(500).end('internal error\n');
      });
    },
    upgrade(request, socket, head) {
      // No HTTP server listens for its errors any more: unheard, one would end the process.
      socket.on('error', () => socket.destroy());
      const route = routeOf(request.url ?? '');
      connect(request, socket, head, route).catch((error: unknown) => {
        logger.error({ route: route.kind, reason: messageOf(error) }, 'upgrade failed');
        closeWith(socket, 500, 'internal error\n');
      });
    },
  };
}
