import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Clock } from '../src/core/clock.ts';
import { webhookSecretName } from '../src/core/names.ts';
import type { KubeClient } from '../src/kube/client.ts';
import { showExpiry } from '../src/telemetry/certificate-metrics.ts';
import { CertificateKeeper } from './certificates/keeper.ts';
import { type ClusterCollections, clusterFacts, type OtherFacts } from './cluster/cluster-facts.ts';
import { whenKnown } from './cluster/known-namespace.ts';
import type { RoutingRules } from './routing/facts.ts';
import type { Target } from './routing/target.ts';
import type { AdmissionRequest } from './server/admission-review.ts';
import type { ServingPair } from './server/app.ts';
import { createWebhookMetrics } from './server/metrics.ts';
import { mutate } from './server/mutate.ts';
import { startWebhookServer, type WebhookServer } from './server/webhook-server.ts';
import { validateCell } from './validation/cell.ts';
import { validateCellClass } from './validation/cell-class.ts';
import { validatePod } from './validation/pod.ts';
import { validateWarmPool } from './validation/warm-pool.ts';

export interface WebhooksOptions {
  readonly host: string;
  readonly port: number;
  /** Addresses and names at which API servers call this replica. */
  readonly hosts: readonly string[];
  /** Of our own Secret. */
  readonly namespace: string;
  readonly settleMs: number;
  readonly rules: RoutingRules;
  /** What the virtual node is configured to be. */
  readonly target: Target;
  readonly collections: ClusterCollections;
  readonly facts: OtherFacts;
  readonly client: KubeClient;
  /** Of the process; it is served beside the webhooks. */
  readonly registry: Registry;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Name of both webhook configurations of a virtual node. */
function configurationOf(virtualNode: string): string {
  return `${virtualNode}.nodeless.io`;
}

/**
 * Serves the admission webhooks until the signal aborts: every replica does, whoever leads.
 * @throws NodelessError PortInUse
 */
export async function runWebhooks(options: WebhooksOptions, signal: AbortSignal): Promise<void> {
  const { collections, target, rules, registry, logger } = options;
  const metrics = createWebhookMetrics(registry);
  const expiry = showExpiry(registry);
  const facts = clusterFacts(collections, target, options.facts);
  const { namespaces, daemonSets, networkPolicies } = collections;
  const known = [namespaces, daemonSets, networkPolicies];
  const first = Promise.withResolvers<ServingPair>();
  let newest: ServingPair | undefined;
  let server: WebhookServer | undefined;
  const keeper = new CertificateKeeper(
    {
      ...options,
      configuration: configurationOf(target.name),
      secretName: webhookSecretName(target.name),
      onServing({ certPem: cert, keyPem: key }) {
        newest = { cert, key };
        expiry('webhooks', cert);
        first.resolve(newest);
        server?.renew(newest);
      },
    },
    signal,
  );
  const keeping = keeper.run(signal);
  const ended = new Promise<undefined>((resolve) =>
    signal.addEventListener('abort', () => resolve(undefined), { once: true }),
  );
  const serving = await Promise.race([first.promise, ended]);
  if (serving === undefined) return;
  server = await startWebhookServer({
    ...{ host: options.host, port: options.port, serving, metrics, registry, logger },
    isReady: () => known.every(({ synced }) => synced),
    whenKnown: (namespace) => whenKnown(namespaces, namespace, options.clock),
    webhooks: {
      '/mutate': (request: AdmissionRequest) => mutate(request, { rules, facts, metrics }),
      '/validate/pods': (request: AdmissionRequest) => validatePod(request, { rules, facts }),
      '/validate/cells': validateCell,
      '/validate/cellclasses': validateCellClass,
      '/validate/warmpools': validateWarmPool,
    },
  });
  // One that came while the port was opened was told to no server.
  server.renew(newest ?? serving);
  logger.info({ host: options.host, port: server.port, node: target.name }, 'the webhooks are served');
  await ended;
  await Promise.all([keeping, server.stop()]);
}
