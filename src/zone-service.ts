import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from './config/schema.ts';
import type { VirtualNodeConfig } from './config/virtual-nodes.ts';
import type { Clock } from './core/clock.ts';
import { EXHAUSTED_TAINT } from './core/names.ts';
import type { KubeClient } from './kube/client.ts';
import type { CollectionReader } from './kube/collection.ts';
import type { EventRecorder } from './kube/events.ts';
import type { KubeObject } from './kube/objects.ts';
import type { WirePod } from './kube/wire-pod.ts';
import type { AgentSets } from './placement/agents.ts';
import { daemonSetOwnerOf } from './placement/place.ts';
import type { Placement } from './placement/placement.ts';
import type { Assignment } from './pods/assignment.ts';
import type { NodePods } from './pods/node-pods.ts';
import type { PodWriter } from './pods/status.ts';
import { watchZone } from './pods/zone-watch.ts';
import type { NodeReader } from './shared-collections.ts';
import { zoneMetrics } from './telemetry/zone-metrics.ts';
import { isMarkedExhausted, markExhausted, takesPods } from './virtual-node/exhausted-taint.ts';

/** What the virtual node of a zone does beside what every virtual node does. */
export interface ZoneService {
  readonly config: Config;
  readonly node: VirtualNodeConfig & { readonly zone: string };
  /** All virtual nodes of the configuration, and their names. */
  readonly virtualNodes: NodeReader;
  readonly nodeNames: readonly string[];
  /** This one's. */
  readonly nodes: Pick<CollectionReader<KubeObject>, 'get'>;
  readonly client: KubeClient;
  readonly placement: Placement;
  readonly agentSets: AgentSets;
  readonly assignment: Assignment;
  readonly nodePods: NodePods;
  readonly writer: PodWriter;
  readonly events: EventRecorder;
  /** Of who leads the virtual node. */
  readonly registry: Registry;
  readonly clock: Clock;
  readonly mayAct: () => boolean;
  readonly logger: Logger;
}

/** Keeps pods out of a zone without capacity. Until the signal aborts. */
export function serveZone(service: ZoneService, signal: AbortSignal): void {
  const { config, node, client } = service;
  const own = () => service.nodes.get(undefined, node.name);
  const isExhausted = () => {
    const object = own();
    return object === undefined ? undefined : isMarkedExhausted(object);
  };
  const { rescheduled } = zoneMetrics(service.registry, () => isExhausted() === true);
  void watchZone(
    {
      ...service,
      zone: node.zone,
      experience: service.placement.experience,
      pods: service.nodePods,
      waiting: () => service.assignment.waiting(),
      mark: {
        isSet: isExhausted,
        async set(exhausted, writing) {
          const object = own();
          if (object !== undefined) await markExhausted(client, object, exhausted, writing);
        },
      },
      shutOut: () => {
        const isOf = (pod: WirePod, uid: string) =>
          daemonSetOwnerOf(pod)?.uid === uid && pod.metadata.deletionTimestamp === undefined;
        const hasPod = ({ namespace, uid }: { readonly namespace: string; readonly uid: string }) =>
          service.nodePods.inNamespace(namespace).some((pod) => isOf(pod, uid));
        const sets = service.agentSets.keptOffBy(EXHAUSTED_TAINT).filter((set) => !hasPod(set));
        return sets.map(({ namespace, name }) => `${namespace}/${name}`);
      },
      elsewhere: () =>
        service.nodeNames
          .filter((name) => name !== node.name)
          .flatMap((name) => service.virtualNodes.get(undefined, name) ?? [])
          .filter(takesPods)
          .map(({ metadata: { name, labels = {} } }) => ({ name, labels })),
      onRescheduled: () => rescheduled.inc(),
      rescheduleAfterMs: config.zones.rescheduleAfter,
      recoverAfterMs: config.zones.recoverAfter,
    },
    signal,
  );
}
