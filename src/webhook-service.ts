import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { runWebhooks } from '../webhooks/webhooks.ts';
import type { Config } from './config/schema.ts';
import type { Clock } from './core/clock.ts';
import { webhookServiceName } from './core/names.ts';
import type { KubeClient } from './kube/client.ts';
import { startCollection } from './kube/collection.ts';
import type { KubeObject } from './kube/objects.ts';
import { CellClasses } from './placement/cell-classes.ts';
import { classFacts } from './placement/class-facts.ts';
import type { SharedCollections } from './shared-collections.ts';
import { nodeLabels } from './virtual-node/node-object.ts';
import { specOf } from './virtual-node/node-spec.ts';

export interface WebhookServiceOptions {
  readonly config: Config;
  readonly clusterUid: string;
  readonly client: KubeClient;
  readonly nodeClient: KubeClient;
  readonly shared: SharedCollections;
  /** Of the process. */
  readonly registry: Registry;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Composes the webhooks of a replica, and serves them until the signal aborts. @throws NodelessError PortInUse */
export async function serveWebhooks(options: WebhookServiceOptions, signal: AbortSignal): Promise<void> {
  const { config, clusterUid, client, nodeClient, shared, registry, clock, logger } = options;
  const { webhook, routing, cluster, virtualNode } = config;
  const spec = specOf(config, clusterUid);
  const { name, taints } = spec;
  const byName = { fieldSelector: `metadata.name=${name}` };
  const { namespaces, daemonSets, networkPolicies, cellClasses } = shared;
  const classes = new CellClasses({ classes: cellClasses, namespaces });
  await runWebhooks(
    {
      ...{ client, registry, clock, logger },
      host: webhook.host,
      port: webhook.port,
      hosts: [virtualNode.address, `${webhookServiceName(name)}.${cluster.namespace}.svc`, ...webhook.hosts],
      namespace: cluster.namespace,
      settleMs: webhook.settle,
      rules: { ...routing, excludedNamespaces: [...routing.excludedNamespaces, cluster.namespace] },
      target: { name, labels: nodeLabels(spec), taints },
      facts: classFacts(classes),
      collections: {
        nodes: startCollection<KubeObject>(
          { client: nodeClient, clock, logger, path: '/api/v1/nodes', query: byName },
          signal,
        ),
        namespaces,
        daemonSets,
        networkPolicies,
      },
    },
    signal,
  );
}
