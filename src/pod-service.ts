import type { Registry } from 'prom-client';
import { keepAgents } from './agents/keeper.ts';
import { AgentRecall } from './agents/recall.ts';
import { AgentSeating } from './agents/seating.ts';
import { watchCells } from './cell-service.ts';
import type { Book } from './cells/book.ts';
import type { Cell } from './cells/cell.ts';
import { kubeletOf } from './cells/directory.ts';
import type { Fleet } from './cells/fleet.ts';
import { virtualNodesOf } from './config/virtual-nodes.ts';
import { reservedFirst } from './interruption/reserved-first.ts';
import { Reserves } from './interruption/reserves.ts';
import type { Collection } from './kube/collection.ts';
import { EventRecorder, type RecordedEvent } from './kube/events.ts';
import { hasCondition, type KubeObject } from './kube/objects.ts';
import type { WirePod } from './kube/wire-pod.ts';
import type { CellClient } from './kubelet-endpoint/cell-client.ts';
import { podUidsOf } from './kubelet-endpoint/cell-pods.ts';
import { podEvidence } from './kubelet-endpoint/pod-evidence.ts';
import type { CellClasses } from './placement/cell-classes.ts';
import { placeOf as placeByPolicy } from './placement/place.ts';
import type { Placement } from './placement/placement.ts';
import { createPlacement } from './placement-service.ts';
import { Assignment } from './pods/assignment.ts';
import { PodController } from './pods/controller.ts';
import { showQueue } from './pods/metrics.ts';
import { NodePods } from './pods/node-pods.ts';
import { Places } from './pods/places.ts';
import { Readiness } from './pods/restore-ready.ts';
import { PodWriter } from './pods/status.ts';
import { PodSteps } from './pods/steps.ts';
import type { Decisions } from './ui/decisions.ts';
import type { Led } from './virtual-node-service.ts';
import { warmPools } from './warm-pool-service.ts';
import { serveZone } from './zone-service.ts';

/** What the way of a virtual node's pods to cells stands on. */
export interface PodService extends Led {
  /** Complete: every cell of the virtual node is in it. */
  readonly book: Book;
  readonly fleet: Fleet;
  /** Synced. */
  readonly pods: Collection<WirePod>;
  readonly nodes: Collection<KubeObject>;
  readonly cellClient: CellClient;
  readonly decisions: Decisions;
  readonly registry: Registry;
  readonly mayAct: () => boolean;
}

const CONTROLLER_CONCURRENCY = 32;
/** How long pods wait silently for the CellClasses, and what counts to their budgets, to be known. */
const CLASSES_SYNC_MS = 5_000;

/** Brings the pods of a virtual node to cells and cells to their end, from now on until the signal aborts. */
export async function servePods(
  service: PodService,
  signal: AbortSignal,
  stops: (() => Promise<void>)[],
): Promise<void> {
  const { config, node, clock, logger, client, nodeClient } = service;
  const { book, fleet, pods, nodes, cellClient, mayAct, shared, cellsOfZones } = service;
  const { cellClasses, namespaces, daemonSets, networkPolicies } = shared;
  const { name } = node;
  const onRecorded = (event: RecordedEvent) => service.decisions.add(event);
  const events = new EventRecorder({ client, component: 'nodeless', host: name, clock, logger, onRecorded }, signal);
  const { namespaces: agentNamespaces, patience: agentPatienceMs } = config.cells.agents;
  const thisNode = () => nodes.get(undefined, name);
  const nodePods = new NodePods();
  const { classes, agentSets, placement } = createPlacement({ ...service, nodePods, thisNode }, stops);
  const writer = new PodWriter(nodeClient, clock);
  const evidenceOf = async (cell: Cell, podUid: string, ask: AbortSignal) => {
    const kubelet = kubeletOf(cell);
    return kubelet && podEvidence(cellClient, kubelet, podUid, ask);
  };
  const readiness = new Readiness({ evidenceOf, clock, logger });
  const { statefulPlacement, csiDrivers } = config.routing;
  const placeRules = {
    daemonSet: (namespace: string, of: string) => daemonSets.get(namespace, of),
    agentNamespaces,
    ...(statefulPlacement === 'node-cell'
      ? { nodeCell: { namespace: (of: string) => namespaces.get(undefined, of), csiDrivers } }
      : {}),
  };
  const placeOf = (pod: WirePod) => placeByPolicy(pod, placeRules);
  const { gather: gatherMs, nodeCell } = config.cells;
  const places = new Places({ book, fleet, placement, writer, events });
  const nodeIsReady = () => hasCondition(thisNode(), 'Ready');
  const podUidsOn = async (cell: Cell, ask: AbortSignal) => {
    const kubelet = kubeletOf(cell);
    return kubelet && podUidsOf(cellClient, kubelet, ask);
  };
  const recall = new AgentRecall({ podUidsOn, clock, signal });
  const { demands } = placement;
  const agents = new AgentSeating({ book, pods: nodePods, sets: agentSets, demands, placeOf, events, recall });
  const isComplete = (cell: Cell) => agents.awaitedOn(cell).length === 0;
  const isBudgetAwaited = (className: string) => assignment.isBudgetAwaited(className);
  const warm = warmPools({ ...service, placement, isComplete, isBudgetAwaited }, signal);
  const reserves = new Reserves({ book, fleet, placement, isComplete, clock, logger });
  const waiting = reservedFirst(reserves, warm.claims);
  const assigning = { book, places, placement, placeOf, pods: nodePods, warm: waiting, writer, events, clock };
  const assignment = new Assignment({ ...assigning, gatherMs, nodeCellSize: nodeCell.size });
  const controller = new PodController({
    pods,
    nodePods,
    placeOf,
    assignment,
    book,
    fleet,
    steps: new PodSteps({ book, fleet, placement, assignment, writer, events, readiness, agents, clock, logger }),
    agents,
    clock,
    logger,
    launchTimeoutMs: config.cells.launchTimeout,
    agentPatienceMs,
    completedLingerMs: config.cells.completedLinger,
    concurrency: CONTROLLER_CONCURRENCY,
    mayAct,
    nodeIsReady,
  });
  showQueue(service.registry, () => controller.depth);
  // Without them no pod can be placed; where their definition is missing, pods are told so instead of nobody. Pools are not
  // among them: they are waited for by whoever keeps them.
  const known = [cellClasses, namespaces, daemonSets, networkPolicies, ...(cellsOfZones ? [cellsOfZones] : [])];
  const classesKnown = Promise.all(known.map(({ whenSynced }) => whenSynced));
  await Promise.race([classesKnown, clock.sleep(CLASSES_SYNC_MS, signal)]);
  wakePods(service, { controller, classes, placement }, stops);
  warm.start();
  controller.start(signal);
  const { zone } = node;
  if (zone !== undefined) {
    const nodeNames = virtualNodesOf(config).map((one) => one.name);
    const parts = { placement, agentSets, assignment, nodePods, writer, events };
    serveZone({ ...service, ...parts, node: { ...node, zone }, nodeNames }, signal);
  }
  const keeping = { book, pods: nodePods, seating: agents, writer, clock, logger, patienceMs: agentPatienceMs };
  void keepAgents({ ...keeping, mayAct, nodeIsReady }, signal);
  watchCells({ ...service, nodePods, classes, placement, reserves, writer, events }, signal);
}

interface Woken {
  readonly controller: PodController;
  readonly classes: CellClasses;
  readonly placement: Placement;
}

/** Has pods that wait looked at as soon as what they may wait for has changed. */
function wakePods(
  { shared }: PodService,
  { controller, classes, placement }: Woken,
  stops: (() => Promise<void>)[],
): void {
  const { cellClasses, namespaces, networkPolicies } = shared;
  type Concerns = (pod: WirePod, changed: KubeObject['metadata']) => boolean;
  const wakeAt = (collection: Pick<typeof namespaces, 'subscribe'>, concerns: Concerns) => {
    const wake = ({ metadata }: KubeObject) => controller.wakeWaiting((pod) => concerns(pod, metadata));
    const unsubscribe = collection.subscribe(({ object }) => wake(object));
    stops.push(async () => unsubscribe());
  };
  wakeAt(cellClasses, (pod, { name: changed }) => classes.mayHave(pod, changed));
  wakeAt(namespaces, ({ metadata }, { name: changed }) => metadata.namespace === changed);
  wakeAt(networkPolicies, ({ metadata }, { namespace }) => metadata.namespace === namespace);
  const endBudgets = placement.spending.onRoom((className) => controller.wakeOfBudget(className));
  stops.push(async () => endBudgets());
}
