import type { Registry } from 'prom-client';
import type { Book } from './cells/book.ts';
import { messageOf } from './core/errors.ts';
import type { Collection } from './kube/collection.ts';
import type { KubeObject } from './kube/objects.ts';
import type { WirePod } from './kube/wire-pod.ts';
import { AgentSets } from './placement/agents.ts';
import { CellClasses } from './placement/cell-classes.ts';
import { countCellsElsewhere } from './placement/cells-elsewhere.ts';
import { Placement } from './placement/placement.ts';
import { holdBudgets } from './pods/budget-holding.ts';
import type { NodePods } from './pods/node-pods.ts';
import { showOfferings } from './telemetry/offering-metrics.ts';
import { ownArch } from './virtual-node/node-spec.ts';
import type { Led } from './virtual-node-service.ts';

/** What is asked for what the cells of a virtual node are launched as. */
export interface PlacementService extends Led {
  /** Complete: every cell of the virtual node is in it. */
  readonly book: Book;
  /** Synced. */
  readonly pods: Collection<WirePod>;
  readonly nodePods: NodePods;
  readonly registry: Registry;
  readonly thisNode: () => KubeObject | undefined;
}

/** Chooses the cells of a virtual node, counts those that there are to their classes' budgets, and knows the agents that all have. */
export function createPlacement(service: PlacementService, stops: (() => Promise<void>)[]) {
  const { config, node, clock, logger, provider, policies, book, pods, nodePods, thisNode, cellsOfZones } = service;
  const { cellClasses, namespaces, daemonSets } = service.shared;
  const classes = new CellClasses({ classes: cellClasses, namespaces });
  const agentSets = new AgentSets({
    daemonSets,
    node: thisNode,
    namespaces: config.cells.agents.namespaces,
    pods: () => nodePods.agents(),
    onLeftOut: (daemonSet, error) =>
      logger.warn(
        { daemonSet, reason: messageOf(error) },
        'a DaemonSet is in no cell, for its requests can not be counted',
      ),
  });
  const placement = new Placement({
    provider,
    classes,
    daemonSets,
    injected: () => agentSets.all(),
    policies,
    clock,
    defaultSize: config.cells.defaultSize,
    csiDrivers: config.routing.csiDrivers,
    arch: ownArch(),
    onOfferingsFailed: (error) => logger.warn({ reason: messageOf(error) }, 'the offerings can not be read'),
  });
  showOfferings({ offered: () => placement.offered(), registry: service.registry, clock });
  const { spending } = placement;
  const endHolding = holdBudgets({ book, pods, spending });
  stops.push(async () => endHolding());
  // Before any pod is looked at: what other zones have counts from the first choice on.
  if (node.zone !== undefined && cellsOfZones !== undefined) {
    const endCounting = countCellsElsewhere(spending, cellsOfZones, node.zone);
    stops.push(async () => endCounting());
  }
  return { classes, agentSets, placement };
}
