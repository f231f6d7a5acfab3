import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import type { CellProvider } from '../providers/contract.ts';
import { loadOrCreateAuthority } from './cell-api/authority/load.ts';
import { boundedProvider } from './cells/bounded-provider.ts';
import { ofZone } from './cells/zone-provider.ts';
import type { Config } from './config/schema.ts';
import { type VirtualNodeConfig, virtualNodesOf } from './config/virtual-nodes.ts';
import { systemClock } from './core/clock.ts';
import { NODE_GROUPS, nodeUser } from './core/names.ts';
import { call } from './kube/calls.ts';
import { createKubeClient, type KubeClient } from './kube/client.ts';
import { NetworkPolicyIndex } from './kube/network-policy-index.ts';
import type { KubeObject } from './kube/objects.ts';
import { replicaIdentity } from './kube/replica-identity.ts';
import { until } from './kube/until.ts';
import { chooseProvider, type ProviderChoice } from './provider-choice.ts';
import { startCells, startNodes, startShared } from './shared-collections.ts';
import { processRegistry } from './telemetry/process-registry.ts';
import { providerMetrics } from './telemetry/provider-metrics.ts';
import { keepNodeLease } from './virtual-node/node-lease.ts';
import { serveVirtualNode } from './virtual-node-service.ts';
import { serveWebhooks } from './webhook-service.ts';

export interface ProviderProcess {
  readonly config: Config;
  readonly kubeConfig: KubeConfig;
  readonly logger: Logger;
  /** Ends the process's work; cells go on. */
  readonly signal: AbortSignal;
  /** Makes the cloud; the one that the configuration names unless given. */
  readonly chooseProvider?: (choice: ProviderChoice) => Promise<CellProvider>;
}

/** `nodeless run`: makes what a process has once, and serves its virtual nodes until the process ends. */
export async function runProvider(process: ProviderProcess): Promise<void> {
  const { config, kubeConfig, logger } = process;
  const ended = new AbortController();
  const signal = AbortSignal.any([process.signal, ended.signal]);
  const virtualNodes = virtualNodesOf(config);
  const { namespace } = config.cluster;
  const clock = systemClock;
  const retry = { clock, logger, signal };
  const replica = await replicaIdentity();
  const client = await createKubeClient(kubeConfig, clock, replica.identity);
  const asNode = (name: string) => client.as({ user: nodeUser(name), groups: NODE_GROUPS });
  const nodeClients = new Map(virtualNodes.map(({ name }) => [name, asNode(name)]));
  const registry = processRegistry();
  const cleanup: (() => Promise<void>)[] = [() => client.close()];
  let failure: unknown;
  const fail = (error: unknown) => {
    if (signal.aborted) return;
    failure = error;
    ended.abort(error);
  };
  try {
    const clusterUid = await until('the cluster can be read', () => readClusterUid(client, signal), retry);
    const source = { client, clock, logger };
    const shared = startShared(source, signal);
    const policies = new NetworkPolicyIndex(shared.networkPolicies);
    const nodes = startNodes({ clock, logger }, nodeClients, signal);
    const hasZones = config.zones.names.length > 0;
    const cells = hasZones ? { cellsOfZones: startCells(source, config.virtualNode.name, signal) } : {};
    if (config.webhook.enabled) {
      const webhooks = { config, clusterUid, client, nodes, shared, registry, clock, logger };
      const served = serveWebhooks(webhooks, signal).catch(fail);
      cleanup.push(() => served);
    }
    // First of all: a cloud that is slow to answer must not make a node NotReady.
    for (const [name, nodeClient] of nodeClients) void keepNodeLease({ name, nodeClient, clock, logger }, signal);
    const owner = { clusterUid, virtualNodes: [...nodeClients.keys()] };
    const choose = process.chooseProvider ?? chooseProvider;
    const chosen = await choose({ config, owner, ...retry });
    const provider = boundedProvider(chosen, providerMetrics(registry, chosen.name));
    cleanup.push(() => provider.stop());
    await provider.start(signal);
    const read = () => loadOrCreateAuthority({ client, namespace, clock, signal });
    const authority = await until('the authority can be read', read, retry);
    const forAll = { config, clock, logger, client, replica, authority, clusterUid, shared, policies, ...cells };
    const serve = (node: VirtualNodeConfig) => {
      const { name, zone } = node;
      const own = zone === undefined ? provider : ofZone(provider, { name, zone });
      return serveVirtualNode(
        { ...forAll, virtualNodes: nodes, node, nodeClient: asNode(name), provider: own },
        signal,
      );
    };
    // One that can not be served ends the process, and so the others: they are served elsewhere.
    await Promise.all(virtualNodes.map((node) => serve(node).catch(fail)));
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    ended.abort();
    for (const step of cleanup.reverse()) await step();
  }
  if (failure !== undefined) throw failure;
}

async function readClusterUid(client: KubeClient, signal: AbortSignal): Promise<string> {
  const namespace = await call<KubeObject>(client, { method: 'GET', path: '/api/v1/namespaces/kube-system', signal });
  return namespace.metadata.uid ?? '';
}
