import type { Registry } from 'prom-client';
import { keepAgents } from './agents/keeper.ts';
import { AgentRecall } from './agents/recall.ts';
import { AgentSeating } from './agents/seating.ts';
import type { Book } from './cells/book.ts';
import { type Cell, classNameOf } from './cells/cell.ts';
import { Census } from './cells/census.ts';
import { kubeletOf } from './cells/directory.ts';
import type { Fleet } from './cells/fleet.ts';
import { watchHealth } from './cells/health.ts';
import { watchIdle } from './cells/idle.ts';
import { orphanCounter } from './cells/metrics.ts';
import { cellsWithReason } from './cells/reason.ts';
import { virtualNodesOf } from './config/virtual-nodes.ts';
import { messageOf } from './core/errors.ts';
import type { Collection } from './kube/collection.ts';
import { EventRecorder, type RecordedEvent } from './kube/events.ts';
import { hasCondition, type KubeObject } from './kube/objects.ts';
import type { WirePod } from './kube/wire-pod.ts';
import type { CellClient } from './kubelet-endpoint/cell-client.ts';
import { podUidsOf } from './kubelet-endpoint/cell-pods.ts';
import { podEvidence } from './kubelet-endpoint/pod-evidence.ts';
import { AgentSets } from './placement/agents.ts';
import { BUILT_IN_CLASS, CellClasses } from './placement/cell-classes.ts';
import { countCellsElsewhere } from './placement/cells-elsewhere.ts';
import { placeOf as placeByPolicy } from './placement/place.ts';
import { Placement } from './placement/placement.ts';
import { Assignment } from './pods/assignment.ts';
import { holdBudgets } from './pods/budget-holding.ts';
import { PodController } from './pods/controller.ts';
import { watchExpiry } from './pods/expiry.ts';
import { learnFromEnd } from './pods/learning.ts';
import { NodePods } from './pods/node-pods.ts';
import { Places } from './pods/places.ts';
import { bindingOf } from './pods/pod-view.ts';
import { watchPolicies } from './pods/policy-watch.ts';
import { Readiness } from './pods/restore-ready.ts';
import { PodWriter } from './pods/status.ts';
import { PodSteps } from './pods/steps.ts';
import type { Decisions } from './ui/decisions.ts';
import { ownArch } from './virtual-node/node-spec.ts';
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
  const { config, node, clock, logger, client, nodeClient, provider } = service;
  const { book, fleet, pods, nodes, cellClient, mayAct, shared, cellsOfZones } = service;
  const { cellClasses, namespaces, daemonSets, networkPolicies } = shared;
  const { name } = node;
  const onRecorded = (event: RecordedEvent) => service.decisions.add(event);
  const events = new EventRecorder({ client, component: 'nodeless', host: name, clock, logger, onRecorded }, signal);
  const classes = new CellClasses({ classes: cellClasses, namespaces });
  const { namespaces: agentNamespaces, patience: agentPatienceMs } = config.cells.agents;
  const thisNode = () => nodes.get(undefined, name);
  const nodePods = new NodePods();
  const agentSets = new AgentSets({
    daemonSets,
    node: thisNode,
    namespaces: agentNamespaces,
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
    policies: service.policies,
    clock,
    defaultSize: config.cells.defaultSize,
    csiDrivers: config.routing.csiDrivers,
    arch: ownArch(),
    onOfferingsFailed: (error) => logger.warn({ reason: messageOf(error) }, 'the offerings can not be read'),
  });
  const endHolding = holdBudgets({ book, pods, placement });
  stops.push(async () => endHolding());
  const { zone } = node;
  // Before any pod is looked at: what other zones have counts from the first choice on.
  if (zone !== undefined && cellsOfZones !== undefined) {
    const endCounting = countCellsElsewhere(placement, cellsOfZones, zone);
    stops.push(async () => endCounting());
  }
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
  const agents = new AgentSeating({ book, pods: nodePods, sets: agentSets, placement, placeOf, events, recall });
  const isComplete = (cell: Cell) => agents.awaitedOn(cell).length === 0;
  const isBudgetAwaited = (className: string) => assignment.isBudgetAwaited(className);
  const warm = warmPools({ ...service, placement, isComplete, isBudgetAwaited }, signal);
  const assigning = { book, places, placement, placeOf, pods: nodePods, warm: warm.claims, writer, events, clock };
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
  // Without them no pod can be placed; where their definition is missing, pods are told so instead of nobody. Pools are not
  // among them: they are waited for by whoever keeps them.
  const known = [cellClasses, namespaces, daemonSets, networkPolicies, ...(cellsOfZones ? [cellsOfZones] : [])];
  const classesKnown = Promise.all(known.map(({ whenSynced }) => whenSynced));
  await Promise.race([classesKnown, clock.sleep(CLASSES_SYNC_MS, signal)]);
  type Concerns = (pod: WirePod, changed: KubeObject['metadata']) => boolean;
  const wakeAt = (collection: Pick<typeof namespaces, 'subscribe'>, concerns: Concerns) => {
    const wake = ({ metadata }: KubeObject) => controller.wakeWaiting((pod) => concerns(pod, metadata));
    const unsubscribe = collection.subscribe(({ object }) => wake(object));
    stops.push(async () => unsubscribe());
  };
  wakeAt(cellClasses, (pod, { name: changed }) => classes.mayHave(pod, changed));
  wakeAt(namespaces, ({ metadata }, { name: changed }) => metadata.namespace === changed);
  wakeAt(networkPolicies, ({ metadata }, { namespace }) => metadata.namespace === namespace);
  const endBudgets = placement.onBudgetRoom((className) => controller.wakeOfBudget(className));
  stops.push(async () => endBudgets());
  warm.start();
  controller.start(signal);
  if (zone !== undefined) {
    const nodeNames = virtualNodesOf(config).map((one) => one.name);
    const parts = { placement, agentSets, assignment, nodePods, writer, events };
    serveZone({ ...service, ...parts, node: { ...node, zone }, nodeNames }, signal);
  }
  const keeping = { book, pods: nodePods, seating: agents, writer, clock, logger, patienceMs: agentPatienceMs };
  void keepAgents({ ...keeping, mayAct, nodeIsReady }, signal);
  const census = new Census({
    provider,
    book,
    fleet,
    clock,
    logger,
    intervalMs: config.cells.censusEvery,
    orphanAfterMs: config.cells.orphanAfter,
    withReason: (machines, ask) => cellsWithReason(nodeClient, machines, bindingOf, ask),
    mayAct,
    onOrphan: orphanCounter(service.registry),
    onGone: (cell, reason, cause) => {
      learnFromEnd(placement, cell, reason, cause);
      book.enter(cell, 'lost', reason);
    },
  });
  void census.run(signal);
  const classOf = (cell: Cell) => classes.named(classNameOf(cell) ?? BUILT_IN_CLASS);
  const limitMsOf = (cell: Cell) => classOf(cell)?.spec.expireAfter;
  void watchExpiry({ book, pods: nodePods, writer, events, limitMsOf, clock, mayAct, logger }, signal);
  // A cell has what its class said when it was launched; of one that was found at a start that is not known any more.
  const classesOn = (cell: Cell) => [cell.cellClass, classOf(cell)].filter((one) => one !== undefined);
  const isEnforcedOn = (cell: Cell) => {
    const known = classesOn(cell);
    return known.length > 0 && known.every(({ spec }) => spec.networkPolicyEnforcer !== undefined);
  };
  const policyWatch = {
    ...{ book, pods: nodePods, networkPolicies, policies: service.policies, writer, events, clock, logger },
    ...{ upstreamPods: pods, cellClasses, isEnforcedOn },
    mayAct: () => mayAct() && cellClasses.synced,
  };
  void watchPolicies(policyWatch, signal);
  void watchIdle({ book, fleet, clock, lingerMs: nodeCell.linger, mayAct }, signal);
  const onSilent = (cell: Cell) => void fleet.lose(cell, 'its kubelet is silent');
  void watchHealth({ book, clock, silentAfterMs: config.cells.silentAfter, mayAct, onSilent, logger }, signal);
}
