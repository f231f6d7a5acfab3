/** The webhooks' server by itself, in the process that is measured; what it knows of the cluster comes from memory. */
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { systemClock } from '../../src/core/clock.ts';
import { Collection } from '../../src/kube/collection.ts';
import type { NetworkPolicy } from '../../src/kube/network-policy-index.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import { clusterFacts } from '../../webhooks/cluster/cluster-facts.ts';
import { whenKnown } from '../../webhooks/cluster/known-namespace.ts';
import type { ServingPair } from '../../webhooks/server/app.ts';
import { createWebhookMetrics } from '../../webhooks/server/metrics.ts';
import { mutate } from '../../webhooks/server/mutate.ts';
import { startWebhookServer } from '../../webhooks/server/webhook-server.ts';
import { FACTS, RULES } from '../unit/webhooks/routing/case.ts';

/** What the parent sends. */
export interface WebhookOrder {
  readonly serving: ServingPair;
  /** How many namespaces there are, and DaemonSets, and NetworkPolicies in the pods' own namespace. */
  readonly namespaces: number;
  readonly daemonSets: number;
  readonly networkPolicies: number;
}

function filled<T extends KubeObject>(count: number, make: (index: number) => object): Collection<T> {
  const collection = new Collection<T>();
  const items = Array.from({ length: count }, (_, index) => make(index) as T);
  collection.replace(items, '1');
  return collection;
}

process.once('message', async ({ serving, ...counts }: WebhookOrder) => {
  const registry = new Registry();
  const metrics = createWebhookMetrics(registry);
  const collections = {
    nodes: filled<KubeObject>(0, () => ({})),
    namespaces: filled<KubeObject>(counts.namespaces, (index) => ({
      metadata: { name: index === 0 ? 'default' : `team-${index}`, labels: { team: String(index) } },
    })),
    daemonSets: filled<KubeObject>(counts.daemonSets, (index) => ({
      metadata: { name: `agent-${index}`, namespace: 'default' },
    })),
    networkPolicies: filled<NetworkPolicy>(counts.networkPolicies, (index) => ({
      metadata: { name: `policy-${index}`, namespace: 'default' },
      spec: { podSelector: { matchLabels: { app: `guarded-${index}` } } },
    })),
  };
  const facts = clusterFacts(collections, FACTS.target(), FACTS);
  const { port } = await startWebhookServer({
    ...{ host: '127.0.0.1', port: 0, serving, metrics, registry, logger: pino({ level: 'silent' }) },
    isReady: () => true,
    whenKnown: (namespace) => whenKnown(collections.namespaces, namespace, systemClock),
    webhooks: { '/mutate': (request) => mutate(request, { rules: RULES, facts, metrics }) },
  });
  process.send?.(port);
});
process.once('disconnect', () => process.exit(0));
