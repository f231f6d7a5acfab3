import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { runWebhooks } from '../webhooks/webhooks.ts';
import type { Config } from './config/schema.ts';
import type { Clock } from './core/clock.ts';
import { webhookServiceName } from './core/names.ts';
import type { KubeClient } from './kube/client.ts';
import { CellClasses } from './placement/cell-classes.ts';
import { classFacts } from './placement/class-facts.ts';
import { routingTarget } from './routing-target.ts';
import type { NodeReader, SharedCollections } from './shared-collections.ts';

export interface WebhookServiceOptions {
  readonly config: Config;
  readonly clusterUid: string;
  readonly client: KubeClient;
  /** The virtual nodes, as far as they are there. */
  readonly nodes: NodeReader;
  readonly shared: SharedCollections;
  /** Of the process. */
  readonly registry: Registry;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Composes the webhooks of a replica, and serves them until the signal aborts. @throws NodelessError PortInUse */
export async function serveWebhooks(options: WebhookServiceOptions, signal: AbortSignal): Promise<void> {
  const { config, clusterUid, client, nodes, shared, registry, clock, logger } = options;
  const { webhook, routing, cluster, virtualNode } = config;
  const { namespaces, daemonSets, networkPolicies, cellClasses } = shared;
  const classes = new CellClasses({ classes: cellClasses, namespaces });
  await runWebhooks(
    {
      ...{ client, registry, clock, logger },
      host: webhook.host,
      port: webhook.port,
      hosts: [
        virtualNode.address,
        `${webhookServiceName(virtualNode.name)}.${cluster.namespace}.svc`,
        ...webhook.hosts,
      ],
      namespace: cluster.namespace,
      settleMs: webhook.settle,
      rules: { ...routing, excludedNamespaces: [...routing.excludedNamespaces, cluster.namespace] },
      target: routingTarget(config, clusterUid),
      facts: classFacts(classes),
      collections: {
        nodes,
        namespaces,
        daemonSets,
        networkPolicies,
      },
    },
    signal,
  );
}
