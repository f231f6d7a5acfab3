import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { showExpiry } from '../telemetry/certificate-metrics.ts';
import { createAggregates } from './aggregates.ts';
import { createAuthentication } from './authentication.ts';
import { createAuthorization } from './authorization.ts';
import { createCallers } from './callers.ts';
import type { CellClient } from './cell-client.ts';
import { followClientAuthority } from './client-authority.ts';
import { type ConsoleSource, createConsoles } from './consoles.ts';
import { createDispatch } from './dispatch.ts';
import { createEndpointServer, type EndpointServer, type ServerMaterial } from './https-server.ts';
import { createEndpointMetrics } from './metrics.ts';
import { createNodeUsage } from './node-usage.ts';
import { createPodMetrics } from './pod-metrics.ts';
import type { CellDirectory, Page, PodSource } from './ports.ts';
import { createScrape, type ScrapeLimits } from './scrape.ts';
import {
  followServingCertificate,
  type ServingCertificateSource,
  temporaryCertificate,
} from './serving-certificate.ts';
import { createStatsSummary } from './stats-summary.ts';
import { createStreams } from './streams.ts';

export interface KubeletEndpointOptions {
  readonly nodeName: string;
  /** Address to listen on. */
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** What the Node object names as its addresses: the serving certificate is for these. */
  readonly addresses: readonly string[];
  readonly cells: CellDirectory;
  /** What speaks to the cells' kubelets; it outlives the endpoint. */
  readonly cellClient: CellClient;
  /** The provider's own: reviews callers, approves the node's serving certificate, reads the client authority. */
  readonly client: KubeClient;
  readonly pods: PodSource;
  /** Undefined where the provider shows no consoles. */
  readonly consoleOf?: ConsoleSource | undefined;
  /** Served at `/ui/`; it ends with the endpoint. */
  readonly page?: Page;
  readonly certificate: ServingCertificateSource;
  /** PEM of the authority for client certificates; read from the cluster, and kept up with, unless given. */
  readonly clientCaPem?: string;
  /** Added to what `/configz` shows. */
  readonly configuration?: Readonly<Record<string, unknown>>;
  readonly scrape?: ScrapeLimits;
  /** How long open streams may go on after `stop`; 5 s unless given. */
  readonly stopGraceMs?: number;
  readonly registry: Registry;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random?: () => number;
}

export interface KubeletEndpoint {
  /**
   * Listens, with a temporary certificate until the signer's has come; resolves as soon as it does.
   * @throws NodelessError PortInUse
   */
  start(signal: AbortSignal): Promise<{ readonly port: number }>;
  /** Ends open streams after a short grace, and frees the port. Safe to repeat. */
  stop(): Promise<void>;
}

function configurationOf(options: KubeletEndpointOptions): Readonly<Record<string, unknown>> {
  return {
    kind: 'KubeletConfiguration',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    enableServer: true,
    address: options.host,
    port: options.port,
    readOnlyPort: 0,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true, cacheTTL: '2m0s' } },
    authorization: {
      mode: 'Webhook',
      webhook: { cacheAuthorizedTTL: '5m0s', cacheUnauthorizedTTL: '30s' },
    },
    ...options.configuration,
  };
}

/** The server that plays kubelet to the cluster's API server, and passes on to the cells' own kubelets. */
export function createKubeletEndpoint(options: KubeletEndpointOptions): KubeletEndpoint {
  const { nodeName, cells, cellClient, client, clock, logger, registry, pods } = options;
  const random = options.random ?? Math.random;
  const identity = { nodeName, addresses: options.addresses };
  const metrics = createEndpointMetrics(registry);
  const expiry = showExpiry(registry);
  const streams = createStreams(metrics, clock);
  const scrape = createScrape({ ...options.scrape, cells, client: cellClient, metrics, logger });
  const shared = { scrape, cells, usage: createNodeUsage(), clock };
  const callers = createCallers(clock);
  const dispatch = createDispatch({
    callers,
    authenticate: createAuthentication(client, clock, callers),
    authorize: createAuthorization(client, nodeName, clock),
    aggregates: createAggregates({
      scrape,
      pods,
      registry,
      podMetrics: createPodMetrics(shared),
      statsSummary: createStatsSummary({ ...shared, nodeName, startedAtMs: clock.now() }),
      configuration: configurationOf(options),
    }),
    consoles: createConsoles(options.consoleOf),
    ...{ cells, client: cellClient, page: options.page, streams, metrics, logger },
  });
  const ending = new AbortController();
  let loops: readonly Promise<void>[] = [];
  let server: EndpointServer | undefined;

  /** Both the certificate and the client authority change as time goes; each change keeps the other's last. */
  function follow(serving: EndpointServer, first: ServerMaterial, signal: AbortSignal): readonly Promise<void>[] {
    let material = first;
    function change(part: Partial<ServerMaterial>): void {
      const next = { ...material, ...part };
      try {
        serving.replace(next);
        material = next;
        expiry('kubelet-endpoint', next.certPem);
      } catch (error) {
        logger.error({ reason: messageOf(error) }, 'certificate can not be used; keeping the one before');
      }
    }
    const { certificate: source } = options;
    const common = { client, clock, logger };
    return [
      ...(options.clientCaPem === undefined
        ? [followClientAuthority({ ...common, onChange: (clientCaPem) => change({ clientCaPem }) }, signal)]
        : []),
      ...(source.from === 'signer'
        ? [followServingCertificate({ ...common, source, identity, random, onIssued: change }, signal)]
        : []),
    ];
  }

  return {
    async start(signal) {
      const temporary = await temporaryCertificate(identity, clock.now());
      const material = { ...temporary, clientCaPem: options.clientCaPem };
      const serving = createEndpointServer(material, dispatch, callers);
      const port = await serving.listen(options.host, options.port);
      server = serving;
      expiry('kubelet-endpoint', material.certPem);
      loops = follow(serving, material, AbortSignal.any([signal, ending.signal]));
      logger.info({ node: nodeName, host: options.host, port }, 'kubelet endpoint listens');
      return { port };
    },
    async stop() {
      ending.abort();
      options.page?.stop();
      server?.refuseNew();
      await Promise.all([...loops, streams.drain(options.stopGraceMs ?? 5_000)]);
      await server?.close();
    },
  };
}
