import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Attestation, BootstrapEvidence } from '../../providers/contract.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { admitRequest, greet } from './admission.ts';
import type { Authority } from './authority/authority.ts';
import { SignedRequests } from './authority/signed-requests.ts';
import { deliver } from './delivery.ts';
import { onceClosed } from './http/closed.ts';
import type { Connection } from './http/connection.ts';
import { type Handler, Listener } from './http/listener.ts';
import { StrangerBodies } from './http/stranger-bodies.ts';
import { cellApiMetrics } from './metrics.ts';
import { CellNodes } from './node/cell-node.ts';
import type { AgentBook, CellBook, CellReports, SharedCollections } from './ports.ts';
import { type IncomingRequest, runPipeline } from './request-pipeline.ts';
import { resourceRoutes } from './resource-routes.ts';
import { PodFeed } from './resources/pod-feed.ts';
import { SharedWatches } from './resources/shared-watches.ts';
import { signingRequests } from './resources/signing-requests.ts';
import { createSession, createSharedAccounts, Sessions } from './session.ts';
import { WatchHub } from './watch/hub.ts';

export interface CellApiOptions {
  readonly virtualNode: string;
  /** Address to listen on. */
  readonly host: string;
  /** 0 chooses a free one. */
  readonly port: number;
  /** IP addresses and DNS names by which cells reach this server; its certificate names them. */
  readonly servingHosts: readonly string[];
  readonly authority: Authority;
  readonly book: CellBook & AgentBook;
  readonly reports: CellReports;
  readonly collections: SharedCollections;
  /** The provider's own client. */
  readonly client: KubeClient;
  /** A client that is the virtual node to the API server. */
  readonly nodeClient: KubeClient;
  readonly attest: (evidence: BootstrapEvidence, signal: AbortSignal) => Promise<Attestation>;
  /** Told when a bootstrap token was used by a second key: somebody holds a copy. */
  readonly onTokenReuse?: (event: { readonly cellId: string; readonly remoteAddress: string }) => void;
  readonly registry: Registry;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly random?: () => number;
}

export interface CellApi {
  /** Listens until the signal aborts or `stop` is called. @throws NodelessError PortInUse */
  start(signal: AbortSignal): Promise<{ readonly port: number }>;
  /** Ends all watches cleanly, so that kubelets resume elsewhere, and resolves when nothing listens any more. */
  stop(): Promise<void>;
}

const TICK_MS = 1_000;
/** How long the watch of a Secret or ConfigMap is kept after its last user: kubelets come back within seconds. */
const OBJECT_LINGER_MS = 60_000;
const RENEWAL_RETRY_MS = 60_000;

/** The HTTPS server that plays API server to the cells' kubelets. */
export function createCellApi(options: CellApiOptions): CellApi {
  const { authority, book, client, nodeClient, virtualNode, reports, collections } = options;
  const { clock = systemClock, random = Math.random, logger } = options;
  const metrics = cellApiMetrics(options.registry);
  const shared = createSharedAccounts();
  const sessions = new Sessions(shared);
  const strangers = createSession('', shared);
  const hub = new WatchHub({ clock, random, metrics, logger });
  const feed = new PodFeed({ book, pods: collections.pods });
  const nodes = new CellNodes({ nodes: collections.nodes, virtualNode, reports, book });
  const objectWatches = new SharedWatches({ clock, logger, lingerMs: OBJECT_LINGER_MS });
  const collectionWatches = new SharedWatches({ clock, logger });
  const requests = new SignedRequests(clock);
  const onTokenReuse: NonNullable<CellApiOptions['onTokenReuse']> = (event) => {
    logger.error({ cell: event.cellId, remote: event.remoteAddress }, 'a bootstrap token was used by a second key');
    options.onTokenReuse?.(event);
  };
  const signing = signingRequests({
    authority,
    requests,
    book,
    sessions,
    virtualNode,
    clock,
    attest: options.attest,
    onTokenReuse,
  });
  const routes = resourceRoutes({
    virtualNode,
    clock,
    reports,
    feed,
    agents: book,
    nodes,
    client,
    nodeClient,
    objectWatches,
    collectionWatches,
    signing,
  });
  const authentication = { book, sessions, clock };
  const pipeline = { routes, authentication, client, metrics, clock, logger };
  const admission = { authentication, strangers: new StrangerBodies() };
  const delivery = { hub, book, clock, metrics, strangers };
  const underWay = new Set<AbortController>();
  const stopped = new AbortController();
  const listener = new Listener({
    ...options,
    caPem: authority.caPem,
    handle: handler(),
    admit,
    greet: (connection) => greet(admission, connection),
    onDenied: (reason) => metrics.denials.inc({ reason }),
    now: () => clock.now(),
  });
  let renewAtMs = 0;

  function admit({ method, raw, headers }: Parameters<Handler>[0], connection: Connection) {
    return admitRequest(admission, { method, url: raw.url ?? '', authorization: headers.authorization, connection });
  }

  function handler(): Handler {
    return async (request, response, connection, bytes) => {
      const controller = new AbortController();
      underWay.add(controller);
      onceClosed(response.raw, () => {
        underWay.delete(controller);
        controller.abort();
      });
      const { accept, authorization, 'content-type': contentType = '' } = request.headers;
      const incoming: IncomingRequest = {
        method: request.method,
        url: request.raw.url ?? '',
        accept,
        authorization,
        body: Buffer.isBuffer(bytes)
          ? { bytes, mediaType: contentType.split(';')[0]?.trim().toLowerCase() ?? '' }
          : bytes,
        peer: connection.peer,
        signal: controller.signal,
      };
      const outcome = await runPipeline(pipeline, incoming);
      deliver(delivery, outcome, response, connection);
    };
  }

  /** Ends what is left of cells that have ended. */
  function forgetEndedCells(): void {
    if (!book.complete) return;
    for (const session of sessions.all()) {
      if (book.find(session.cellId) !== undefined) continue;
      sessions.forget(session.cellId);
      hub.endOf(session);
      for (const connection of session.connections) (connection as Connection).close();
    }
  }

  async function serving() {
    const pair = await authority.issueServing(options.servingHosts);
    renewAtMs = clock.now() + (pair.notAfterMs - clock.now()) * (2 / 3);
    return pair;
  }

  async function renewWhenDue(): Promise<void> {
    if (clock.now() < renewAtMs) return;
    renewAtMs = clock.now() + RENEWAL_RETRY_MS;
    listener.renew(await serving());
    logger.info('the serving certificate of the cell API was renewed');
  }

  async function tickForever(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(TICK_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        hub.tick();
        listener.tick();
        admission.strangers.tick(clock.now());
        forgetEndedCells();
        objectWatches.tick();
        requests.tick();
        await renewWhenDue();
      } catch (error) {
        logger.error({ reason: messageOf(error) }, 'a tick of the cell API failed');
      }
    }
  }

  async function shutDown(): Promise<void> {
    stopped.abort();
    try {
      hub.endAll();
      for (const controller of underWay) controller.abort();
      await listener.stop();
    } finally {
      feed.stop();
      nodes.stop();
      objectWatches.stop();
      collectionWatches.stop();
    }
  }

  let stopping: Promise<void> | undefined;
  function stop(): Promise<void> {
    stopping ??= shutDown();
    return stopping;
  }

  function stopOnAbort(): void {
    stop().catch((error: unknown) => logger.error({ reason: messageOf(error) }, 'the cell API did not stop cleanly'));
  }

  return {
    async start(signal) {
      feed.start();
      nodes.start();
      const port = await listener.start(await serving());
      signal.addEventListener('abort', stopOnAbort, { once: true });
      if (signal.aborted) await stop();
      // What was stopped while it began to listen had nothing to close then.
      if (stopped.signal.aborted) await listener.stop();
      void tickForever(stopped.signal);
      return { port };
    },
    stop,
  };
}
