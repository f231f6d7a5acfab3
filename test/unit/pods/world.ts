import { pino } from 'pino';
import { vi } from 'vitest';
import type { CellProvider, Claimant, LaunchRequest } from '../../../providers/contract.ts';
import { keepAgents } from '../../../src/agents/keeper.ts';
import { AgentRecall } from '../../../src/agents/recall.ts';
import { AgentSeating } from '../../../src/agents/seating.ts';
import { adopt } from '../../../src/cells/adopt.ts';
import { Book } from '../../../src/cells/book.ts';
import type { Cell } from '../../../src/cells/cell.ts';
import { Fleet } from '../../../src/cells/fleet.ts';
import type { CellMachine } from '../../../src/core/cell.ts';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import { NodelessError } from '../../../src/core/errors.ts';
import type { Offering } from '../../../src/core/offerings.ts';
import type { PodEvidence } from '../../../src/core/pod-evidence.ts';
import { resourcesOf } from '../../../src/core/resources.ts';
import { reservedFirst } from '../../../src/interruption/reserved-first.ts';
import { Reserves } from '../../../src/interruption/reserves.ts';
import type { KubeClient, KubeRequest, KubeResponse } from '../../../src/kube/client.ts';
import { Collection } from '../../../src/kube/collection.ts';
import { EventRecorder } from '../../../src/kube/events.ts';
import { type NetworkPolicy, NetworkPolicyIndex } from '../../../src/kube/network-policy-index.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { AgentSets } from '../../../src/placement/agents.ts';
import { CellClasses } from '../../../src/placement/cell-classes.ts';
import { placeOf as placeByPolicy } from '../../../src/placement/place.ts';
import { Placement } from '../../../src/placement/placement.ts';
import { Assignment } from '../../../src/pods/assignment.ts';
import { PodController } from '../../../src/pods/controller.ts';
import { NodePods } from '../../../src/pods/node-pods.ts';
import { Places } from '../../../src/pods/places.ts';
import { bindingOf } from '../../../src/pods/pod-view.ts';
import { Readiness } from '../../../src/pods/restore-ready.ts';
import { PodWriter } from '../../../src/pods/status.ts';
import { PodSteps } from '../../../src/pods/steps.ts';
import { Claims } from '../../../src/warm-pool/claims.ts';
import { PoolKeeper } from '../../../src/warm-pool/keeper.ts';

const SIZE = resourcesOf({ cpu: '1', memory: '1Gi' });

export function offering(instanceType: string, pricePerHourUsd: number, allocatable = SIZE): Offering {
  const size = { capacity: allocatable, allocatable };
  return { instanceType, launchType: 'simulated', zone: 'z', arch: 'amd64', ...size, pricePerHourUsd, available: true };
}

export function machineOf({ tags, offering: chosen }: LaunchRequest): CellMachine {
  const { instanceType, launchType, zone, arch, pricePerHourUsd, allocatable } = chosen;
  const addresses = ['10.200.0.9'];
  return {
    tags,
    instanceType,
    launchType,
    zone,
    arch,
    pricePerHourUsd,
    allocatable,
    addresses,
    createdAtMs: Date.now(),
    state: 'running',
  };
}

/** An API server with pods only, which tells its collection of each change when it is asked to. */
class Pods implements KubeClient {
  readonly collection = new Collection<WirePod>();
  readonly events: { reason: string; message: string }[] = [];
  readonly #byName = new Map<string, WirePod>();
  #revision = 1;
  /** Names of the pods whose eviction was asked for. */
  readonly evicted: string[] = [];
  /** Whether a disruption budget forbids a pod's eviction. */
  isBudgetSpent: (name: string) => boolean = () => false;
  /** Called with the name of each pod that is patched; the answer waits for what it returns. */
  hold: (name: string) => Promise<void> | undefined = () => undefined;
  /** How many requests have been held. */
  held = 0;
  /** Called before a PATCH is answered, after it was applied. */
  beforeAnswer: () => void = () => undefined;

  constructor() {
    this.collection.replace([], '1');
  }

  create(name: string, more: Partial<WirePod> = {}): WirePod {
    const metadata = { name, namespace: 'ns', uid: `uid-${name}`, ...more.metadata };
    const pod: WirePod = { apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ name: 'c' }] }, ...more, metadata };
    return this.#store(pod, 'ADDED');
  }

  get(name: string): WirePod | undefined {
    return this.#byName.get(name);
  }

  change(name: string, change: (pod: WirePod) => WirePod): void {
    const pod = this.#byName.get(name);
    if (pod !== undefined) this.#store(change(structuredClone(pod)), 'MODIFIED');
  }

  remove(name: string): void {
    const pod = this.#byName.get(name);
    if (pod === undefined) return;
    this.#byName.delete(name);
    this.#revision += 1;
    this.collection.apply('DELETED', {
      ...pod,
      metadata: { ...pod.metadata, resourceVersion: String(this.#revision) },
    });
  }

  #store(pod: WirePod, type: 'ADDED' | 'MODIFIED'): WirePod {
    this.#revision += 1;
    const stored = { ...pod, metadata: { ...pod.metadata, resourceVersion: String(this.#revision) } };
    this.#byName.set(pod.metadata.name, stored);
    this.collection.apply(type, stored);
    return stored;
  }

  async request(request: KubeRequest): Promise<KubeResponse> {
    if (request.path.endsWith('/events')) {
      this.events.push(request.body as { reason: string; message: string });
      return answered(201, {});
    }
    const name = request.path.split('/')[6] ?? '';
    let pod = this.#byName.get(name);
    if (pod === undefined) return answered(404, { message: 'not found' });
    if (request.path.endsWith('/eviction')) {
      this.evicted.push(name);
      if (this.isBudgetSpent(name)) return answered(429, { message: 'the disruption budget needs it' });
    }
    if (request.method === 'DELETE' || request.path.endsWith('/eviction')) {
      this.remove(name);
      return answered(200, {});
    }
    const wait = this.hold(name);
    if (wait !== undefined) {
      this.held += 1;
      await wait;
      pod = this.#byName.get(name);
      if (pod === undefined) return answered(404, { message: 'not found' });
    }
    const { metadata, status } = request.body as { metadata: WirePod['metadata']; status?: WirePod['status'] };
    if (metadata.resourceVersion !== undefined && metadata.resourceVersion !== pod.metadata.resourceVersion) {
      return answered(409, { message: 'conflict' });
    }
    const annotations = { ...pod.metadata.annotations, ...metadata.annotations };
    const conditions = [...(status?.conditions ?? []), ...(pod.status?.conditions ?? [])];
    const seen = new Set<string>();
    const merged = conditions.filter(({ type }) => !seen.has(type) && seen.add(type));
    const kept = Object.fromEntries(Object.entries(annotations).filter(([, value]) => value !== null));
    const next = {
      ...pod,
      metadata: { ...pod.metadata, annotations: kept },
      status: { ...pod.status, ...status, conditions: merged },
    };
    const stored = this.#store(next as WirePod, 'MODIFIED');
    this.beforeAnswer();
    return answered(200, stored);
  }

  as(): KubeClient {
    return this;
  }

  stream(): never {
    throw new Error('nothing is streamed here');
  }

  async close(): Promise<void> {}
}

function answered(status: number, body: unknown): KubeResponse {
  return { status, contentType: 'application/json', body: Buffer.from(JSON.stringify(body)) };
}

/** What a provider's end leaves behind: the API server and the cloud. */
interface Remains {
  readonly pods: Pods;
  readonly machines: Map<string, CellMachine>;
  readonly book?: Book;
}

/** The controller with everything real but the API server and the cloud; new ones, or those that another has left. */
export function world(
  offerings: readonly Offering[] = [offering('small', 1)],
  remains?: Remains,
  launchTimeoutMs = 60_000,
  statefulPlacement: 'leave' | 'node-cell' = 'node-cell',
  gatherMs = 50,
  clock: Clock = systemClock,
  canStop = true,
) {
  const pods = remains?.pods ?? new Pods();
  const machines = remains?.machines ?? new Map<string, CellMachine>();
  const launch = vi.fn(async (request: LaunchRequest): Promise<CellMachine> => {
    const machine = machines.get(request.tags.cellId) ?? machineOf(request);
    machines.set(request.tags.cellId, machine);
    return machine;
  });
  const terminate = vi.fn(async (cellId: string) => void machines.delete(cellId));
  const claim = vi.fn(async (cellId: string, by: Claimant): Promise<CellMachine> => {
    const machine = machines.get(cellId);
    if (machine === undefined) throw new NodelessError({ code: 'NotFound', message: `no ${cellId}` });
    if (machine.tags.podUid !== '' && machine.tags.podUid !== by.podUid)
      throw new NodelessError({ code: 'Denied', message: `${cellId} is another's` });
    const owned = { ...machine, tags: { ...machine.tags, ...by } };
    machines.set(cellId, owned);
    return owned;
  });
  const switched = (state: CellMachine['state']) =>
    vi.fn(async (cellId: string): Promise<CellMachine> => {
      const machine = machines.get(cellId);
      if (machine === undefined) throw new NodelessError({ code: 'NotFound', message: `no ${cellId}` });
      const after = { ...machine, state };
      machines.set(cellId, after);
      return after;
    });
  const [stopMachine, startMachine] = [switched('stopped'), switched('running')];
  const calls = { launch, terminate, claim, stopMachine, startMachine, offerings: async () => offerings };
  const provider = { name: 'fake', ...calls } as unknown as CellProvider;
  const logger = pino({ level: 'silent' });
  const stop = new AbortController();
  const book = new Book(clock);
  const bootstrap = { cellApiUrl: '', caPem: '', nodeName: 'n', clusterDns: '', clusterDomain: '' };
  const mayAct = () => true;
  const fleet = new Fleet({ provider, book, clusterUid: 'c', bootstrap, clock, logger, concurrency: 8, mayAct });
  fleet.start(stop.signal);
  const events = new EventRecorder({ client: pods, component: 'nodeless', host: 'n', clock, logger }, stop.signal);
  const classes = new Collection<KubeObject>();
  const namespaces = new Collection<KubeObject>();
  const warmPools = new Collection<KubeObject>();
  const daemonSets = new Collection<KubeObject>();
  const networkPolicies = new Collection<NetworkPolicy>();
  for (const collection of [classes, daemonSets, networkPolicies, warmPools]) collection.replace([], '1');
  namespaces.replace(
    ['ns', 'other'].map((name) => ({ metadata: { name, resourceVersion: '1' } })),
    '1',
  );
  const node = () => ({ metadata: { name: 'n', labels: {} } });
  const nodePods = new NodePods();
  const agentSets = new AgentSets({ daemonSets, node, namespaces: ['ns'], pods: () => nodePods.agents() });
  const placement = new Placement({
    provider,
    classes: new CellClasses({ classes, namespaces }),
    daemonSets,
    injected: () => agentSets.all(),
    policies: new NetworkPolicyIndex(networkPolicies),
    clock,
    defaultSize: resourcesOf({ cpu: '250m', memory: '256Mi' }),
    csiDrivers: [],
    arch: 'amd64',
  });
  book.onChange(({ cellId }) => book.get(cellId) === undefined && placement.spending.release(cellId));
  const writer = new PodWriter(pods, clock);
  const evidenceOf = vi.fn(async (_cell: Cell, _podUid: string): Promise<PodEvidence | undefined> => undefined);
  const readiness = new Readiness({ evidenceOf, clock, logger });
  const placeRules = {
    daemonSet: (namespace: string, name: string) => daemonSets.get(namespace, name),
    agentNamespaces: ['ns'],
    ...(statefulPlacement === 'node-cell'
      ? { nodeCell: { namespace: (name: string) => namespaces.get(undefined, name), csiDrivers: [] } }
      : {}),
  };
  const placeOf = (pod: WirePod) => placeByPolicy(pod, placeRules);
  // Kubelets keep what the provider before has shown them.
  const podUidsOn = vi.fn(async ({ cellId }: Cell): Promise<ReadonlySet<string> | undefined> => {
    return remains?.book?.podUids(cellId);
  });
  const recall = new AgentRecall({ podUidsOn, clock, signal: stop.signal });
  const agents = new AgentSeating({
    book,
    pods: nodePods,
    sets: agentSets,
    demands: placement.demands,
    placeOf,
    events,
    recall,
  });
  const keeper = new PoolKeeper(
    {
      ...{ book, fleet, placement, clock, logger, mayAct, pools: warmPools, launchTimeoutMs, canClaim: true, canStop },
      node: { isFirst: true },
      isComplete: (cell) => agents.awaitedOn(cell).length === 0,
      isBudgetAwaited: (className) => assignment.isBudgetAwaited(className),
    },
    stop.signal,
  );
  const warm = new Claims({ book, fleet, keeper, pods: pods.collection, clock, canClaim: true });
  const isComplete = (cell: Cell) => agents.awaitedOn(cell).length === 0;
  const reserves = new Reserves({ book, fleet, placement, isComplete, clock, logger });
  const assignment = new Assignment({
    book,
    places: new Places({ book, fleet, placement, writer, events }),
    placement,
    placeOf,
    pods: nodePods,
    warm: reservedFirst(reserves, warm),
    writer,
    events,
    clock,
    gatherMs,
    nodeCellSize: resourcesOf({ cpu: '1', memory: '1Gi' }),
  });
  const steps = new PodSteps({ book, fleet, placement, assignment, writer, events, readiness, agents, clock, logger });
  const nodeIsReady = () => true;
  const agentPatienceMs = 300;
  const limits = { launchTimeoutMs, agentPatienceMs, completedLingerMs: 60_000, concurrency: 8, mayAct, nodeIsReady };
  const controller = new PodController({
    pods: pods.collection,
    nodePods,
    placeOf,
    assignment,
    book,
    fleet,
    steps,
    agents,
    clock,
    logger,
    ...limits,
  });
  placement.spending.onRoom((className) => controller.wakeOfBudget(className));
  adopt(book, [...machines.values()], [...pods.collection.items()].map(bindingOf));
  book.markComplete();

  /** The cell's kubelet reports that it is Ready, with what its machine has. */
  function report(cellId: string, allocatable = { cpu: '1', memory: '1Gi' }): void {
    book.nodeStatus(cellId, { status: { allocatable, conditions: [{ type: 'Ready', status: 'True' }] } });
  }
  return {
    pods,
    machines,
    launch,
    terminate,
    claim,
    stopMachine,
    startMachine,
    keeper,
    warm,
    warmPools,
    evidenceOf,
    podUidsOn,
    daemonSets,
    fleet,
    book,
    reserves,
    placement,
    writer,
    events,
    nodePods,
    assignment,
    classes,
    networkPolicies,
    controller,
    report,
    stop,
    agents,
    start(): void {
      const endStarts = warm.start();
      stop.signal.addEventListener('abort', endStarts, { once: true });
      void keeper.run();
      controller.start(stop.signal);
      const keeping = { book, pods: nodePods, seating: agents, writer, clock, logger, patienceMs: agentPatienceMs };
      void keepAgents({ ...keeping, mayAct, nodeIsReady }, stop.signal);
    },
  };
}
