import type { Book } from '../cells/book.ts';
import { type Cell, isServed, type SeatedAgent } from '../cells/cell.ts';
import { add, covers, describeResources, minus, NOTHING, type Resources } from '../core/resources.ts';
import type { EventRecorder } from '../kube/events.ts';
import { podName, type WirePod } from '../kube/wire-pod.ts';
import { type AgentSet, type AgentSets, requestOfPod } from '../placement/agents.ts';
import type { Demands } from '../placement/demands.ts';
import { daemonSetOwnerOf, type Place } from '../placement/place.ts';
import type { AgentGate } from '../pods/agent-gate.ts';
import type { NodePods } from '../pods/node-pods.ts';
import { isTooSmallFor, livePodsOf, standingOf } from '../pods/room.ts';
import type { AgentRecall } from './recall.ts';
import { type AgentSight, sightOf } from './sight.ts';
import type { SumRule } from './sum.ts';
import { type Telling, tellingOf } from './telling.ts';

export interface AgentSeatingOptions {
  readonly book: Book;
  readonly pods: NodePods;
  readonly sets: AgentSets;
  readonly demands: Pick<Demands, 'need' | 'classAgents'>;
  readonly placeOf: (pod: WirePod) => Place | undefined;
  readonly events: Pick<EventRecorder, 'warning'>;
  /** What the kubelets of cells have that were there before this process. */
  readonly recall: Pick<AgentRecall, 'podsOf'>;
}

const NONE: ReadonlySet<string> = new Set();

/** Cells that one agent is told of that have no room for it; all are counted in its status. */
const MAX_TOLD = 10;

function isDeleting({ metadata }: WirePod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

function countedRequest(pod: WirePod): Resources | undefined {
  try {
    return requestOfPod(pod);
  } catch {
    return undefined;
  }
}

/** Gives agents their places in cells, where there is room beside the pods, and tells who is missing. */
export class AgentSeating implements AgentGate {
  readonly #options: AgentSeatingOptions;
  /** Cells without room that were told of, by the agent's uid. */
  readonly #told = new Map<string, Set<string>>();

  constructor(options: AgentSeatingOptions) {
    this.#options = options;
  }

  /** The agents as they are now, those that end included. */
  sight(): AgentSight {
    const { pods, placeOf } = this.#options;
    const agents = pods.agents().filter((pod) => placeOf(pod) === 'every-cell');
    return sightOf(agents, this.#requiredSets());
  }

  /** Gives a cell the agents that it lacks, and takes those that are gone. */
  look(cell: Cell, sight = this.sight()): void {
    const { book, pods } = this.#options;
    const { cellId, agents, allocatable, agentsKnown } = cell;
    for (const uid of agents.keys()) if (pods.get(uid) === undefined) book.unseatAgent(cellId, uid);
    if (!isServed(cell) || allocatable === undefined || (agentsKnown && !cell.kubeletReady)) return;
    const kept = agentsKnown ? NONE : this.#options.recall.podsOf(cell);
    if (kept === 'awaited') return;
    const isKept = ({ metadata }: WirePod) => kept !== 'silent' && kept.has(metadata.uid ?? '');
    // Whether there is room or not: its kubelet would end what it is not shown.
    for (const pod of sight.agents.filter(isKept)) {
      book.seatAgent(cell, { uid: pod.metadata.uid ?? '', pod: podName(pod) });
    }
    for (const pod of sight.agents) {
      const { uid = '' } = pod.metadata;
      // What ends is shown to no other cell; but its kubelet may be ending it in one of which that is not known.
      if (agents.has(uid) || (kept !== 'silent' && isDeleting(pod))) continue;
      const lacks = this.#lackFor(cell, allocatable, pod);
      if (lacks === undefined) book.seatAgent(cell, { uid, pod: podName(pod) });
      else this.#tellOfLack(pod, cellId, lacks);
    }
    cell.agentsKnown = true;
  }

  /** Drops what was told of agents that are gone. */
  forgetGone(): void {
    for (const uid of this.#told.keys()) if (this.#options.pods.get(uid) === undefined) this.#told.delete(uid);
  }

  /** What live cells say of an agent, how many have no room for it, and whether pods wait for it. */
  tellings(
    uid: string,
    sight: AgentSight,
  ): Pick<SumRule, 'without' | 'required'> & { readonly tellings: readonly Telling[] } {
    const served = [...this.#options.book.cells()].filter(isServed);
    const tellings = served.flatMap(({ cellId, agents }) => {
      const agent = agents.get(uid);
      return agent === undefined ? [] : [tellingOf(cellId, agent)];
    });
    const without = served.filter(({ agents, kubeletReady }) => kubeletReady && !agents.has(uid)).length;
    return { tellings, without, required: sight.required.has(uid) };
  }

  awaitedOn(cell: Cell): readonly string[] {
    return this.#requiredSets().flatMap((set) => this.#obstacleTo(set, cell) ?? []);
  }

  requiredRequest(): Resources {
    return this.#requiredSets()
      .map(({ request }) => request)
      .reduce(add, NOTHING);
  }

  lacksRoom(cell: Cell): boolean {
    const { allocatable, agents, agentsKnown } = cell;
    if (allocatable === undefined || !agentsKnown) return false;
    const sight = this.sight();
    const isMissing = ({ metadata: { uid = '' } }: WirePod) => sight.required.has(uid) && !agents.has(uid);
    const missing = sight.agents.filter((pod) => !isDeleting(pod) && isMissing(pod));
    return missing.some((pod) => isTooSmallFor(this.#leftOn(cell, allocatable), pod));
  }

  podsOn({ agents }: Cell): readonly WirePod[] {
    return [...agents.keys()].flatMap((uid) => this.#options.pods.get(uid) ?? []);
  }

  #requiredSets(): readonly AgentSet[] {
    return this.#options.sets.all().filter(({ required }) => required);
  }

  #obstacleTo(set: AgentSet, cell: Cell): string | undefined {
    const name = `${set.namespace}/${set.name}`;
    const isOf = (pod: WirePod) => daemonSetOwnerOf(pod)?.uid === set.uid && !isDeleting(pod);
    const seats = [...cell.agents.values()].filter(({ uid }: SeatedAgent) => {
      const pod = this.#options.pods.get(uid);
      return pod !== undefined && isOf(pod);
    });
    const tellings = seats.map((seat) => tellingOf(cell.cellId, seat));
    if (tellings.some(({ ready }) => ready)) return undefined;
    const [telling] = tellings;
    if (telling?.trouble !== undefined) return `${name} (${telling.trouble.reason})`;
    if (telling !== undefined) return `${name} (starting)`;
    return this.sight().agents.some(isOf) ? `${name} (no room on the cell)` : `${name} (it has no pod on the node)`;
  }

  /** What a cell has too little of for an agent beside its pods and the agents that it has. */
  #lackFor(cell: Cell, allocatable: Resources, agent: WirePod): string | undefined {
    const request = countedRequest(agent);
    if (request === undefined) return 'has not what the agent asks for, which is more than can be counted';
    const live = livePodsOf(cell, this.#options.pods);
    if (cell.podSlots !== undefined && live.length + cell.agents.size >= cell.podSlots)
      return 'has no slot for a pod left';
    const left = this.#leftOn(cell, allocatable);
    return covers(left, { ...request, ephemeralStorageBytes: Math.min(0, left.ephemeralStorageBytes) })
      ? undefined
      : `has ${describeResources(left)} left, and the agent asks for ${describeResources(request)}`;
  }

  #leftOn(cell: Cell, allocatable: Resources): Resources {
    const { pods, demands } = this.#options;
    const needs = [
      ...livePodsOf(cell, pods).map((pod) => demands.need(pod)),
      ...this.podsOn(cell).map(requestOfPod),
      demands.classAgents(standingOf(cell).className),
    ];
    return minus(allocatable, needs.reduce(add, NOTHING));
  }

  #tellOfLack(pod: WirePod, cellId: string, lack: string): void {
    const { uid = '' } = pod.metadata;
    const told = this.#told.get(uid) ?? new Set();
    if (told.has(cellId) || told.size >= MAX_TOLD) return;
    this.#told.set(uid, told.add(cellId));
    const message = `${cellId} ${lack}: it is not on that cell, which was sized without it`;
    this.#options.events.warning(pod, 'NoRoom', message);
  }
}
