import type { Logger } from 'pino';
import type { CellProvider } from '../providers/contract.ts';
import type { Authority } from './cell-api/authority/load.ts';
import type { Config } from './config/schema.ts';
import type { VirtualNodeConfig } from './config/virtual-nodes.ts';
import { type Clock, systemUptimeMs } from './core/clock.ts';
import { leaseName } from './core/names.ts';
import type { KubeClient } from './kube/client.ts';
import type { Collection } from './kube/collection.ts';
import { fenced } from './kube/fenced-client.ts';
import { becomeLeader, type Leadership } from './kube/leadership.ts';
import type { NetworkPolicyIndex } from './kube/network-policy-index.ts';
import type { KubeObject } from './kube/objects.ts';
import type { ReplicaIdentity } from './kube/replica-identity.ts';
import type { NodeReader, SharedCollections } from './shared-collections.ts';
import { startLeading } from './virtual-node-leader.ts';

/** What a virtual node stands on: what its process has once, and what is its own. */
export interface VirtualNodeService {
  readonly config: Config;
  readonly node: VirtualNodeConfig;
  /** All virtual nodes of the configuration, as far as they are there. */
  readonly virtualNodes: NodeReader;
  /** The Cell objects of all of them; only with zones. */
  readonly cellsOfZones?: Collection<KubeObject>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly client: KubeClient;
  /** The node's own identity. */
  readonly nodeClient: KubeClient;
  readonly replica: ReplicaIdentity;
  /** As far as it is this virtual node's. */
  readonly provider: CellProvider;
  readonly authority: Authority;
  readonly clusterUid: string;
  readonly shared: SharedCollections;
  readonly policies: NetworkPolicyIndex;
}

/** What a leadership stands on; its clients write no longer than it is held. */
export interface Led extends Omit<VirtualNodeService, 'replica'> {
  readonly leadership: Leadership;
}

const STOP_DEADLINE_MS = 15_000;

/** Waits to lead a virtual node, leads until its lease is lost, and waits again, until the signal aborts. */
export async function serveVirtualNode(service: VirtualNodeService, signal: AbortSignal): Promise<void> {
  const { config, node, client, nodeClient, replica, clock, logger, ...others } = service;
  const lease = { namespace: config.cluster.namespace, name: leaseName(node.name), ...replica };
  while (!signal.aborted) {
    const leadership = await becomeLeader({ client, ...lease, clock, uptimeMs: systemUptimeMs, logger }, signal);
    const { heldForMs } = leadership;
    const writers = { client: fenced(client, heldForMs), nodeClient: fenced(nodeClient, heldForMs) };
    await lead({ ...others, ...writers, config, node, clock, logger, leadership }).finally(() => leadership.release());
  }
}

/** Leads until the signal aborts. Whatever is started here ends with it; a failure to start is thrown. */
async function lead(led: Led): Promise<void> {
  const { signal: leading } = led.leadership;
  const failed = new AbortController();
  const signal = AbortSignal.any([leading, failed.signal]);
  const stops: (() => Promise<void>)[] = [];
  try {
    await startLeading(led, signal, stops);
    await new Promise((resolve) => {
      if (signal.aborted) resolve(undefined);
      signal.addEventListener('abort', resolve, { once: true });
    });
  } catch (error) {
    if (!leading.aborted) throw error;
  } finally {
    failed.abort();
    await stopAll(stops, led);
  }
}

/** Ends what a leadership has started, in turn. What does not end in time is left, so that this replica can lead again. */
async function stopAll(stops: readonly (() => Promise<void>)[], { clock, logger }: Led): Promise<void> {
  for (const stop of stops.toReversed()) {
    const waiting = new AbortController();
    const late = clock.sleep(STOP_DEADLINE_MS, waiting.signal).then(
      () => logger.error('a part of what this replica led with does not end; it is left'),
      () => undefined,
    );
    await Promise.race([stop(), late]);
    waiting.abort();
  }
}
