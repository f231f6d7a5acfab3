import type { Logger } from 'pino';
import type { Book } from '../cells/book.ts';
import { type Cell, enteredForPod, membersBefore, owesTags } from '../cells/cell.ts';
import type { Fleet } from '../cells/fleet.ts';
import type { Clock } from '../core/clock.ts';
import { minus } from '../core/resources.ts';
import type { CollectionReader } from '../kube/collection.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import type { Place } from '../placement/place.ts';
import type { AgentGate } from './agent-gate.ts';
import type { Assignment } from './assignment.ts';
import { type CellView, decide, type Step } from './decide.ts';
import type { NodePods } from './node-pods.ts';
import { viewOf } from './pod-view.ts';
import { admits, isFinished, isTooSmallFor } from './room.ts';
import type { PodSteps } from './steps.ts';

export interface PodControllerOptions {
  readonly pods: CollectionReader<WirePod>;
  /** The same, as they are known best; this controller keeps them. */
  readonly nodePods: NodePods;
  readonly placeOf: (pod: WirePod) => Place | undefined;
  readonly assignment: Assignment;
  readonly book: Book;
  readonly fleet: Fleet;
  readonly steps: PodSteps;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly agents: AgentGate;
  readonly launchTimeoutMs: number;
  /** How long required agents may take on a cell before its pod is told of it. */
  readonly agentPatienceMs: number;
  readonly completedLingerMs: number;
  readonly concurrency: number;
  /** False while another process may lead: no step is taken then. */
  readonly mayAct: () => boolean;
  /** The virtual node's own Ready condition, as the API server has it. */
  readonly nodeIsReady: () => boolean;
}

/** How often it is looked whether the lease is held again. */
const LEASE_LOOK_MS = 500;
/** How soon after a change of a cell it is looked whether pods that wait have a place there. */
const ROOM_LOOK_MS = 300;

/** Brings each pod of the virtual node to its cell, and each cell to its end; serial per pod, level-triggered. */
export class PodController {
  readonly #options: PodControllerOptions;
  readonly #queue: WorkQueue;

  constructor(options: PodControllerOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({
      name: 'pods',
      work: (uid, signal) => this.#reconcile(uid, signal),
      concurrency: options.concurrency,
      clock: options.clock,
      logger: options.logger,
    });
  }

  /** Pods that it works on, or is about to. */
  get depth(): number {
    return this.#queue.depth;
  }

  /** Begins to work; call once the book is complete and the pods are synced. */
  start(signal: AbortSignal): void {
    const { pods, book } = this.#options;
    for (const pod of pods.items()) this.#observe(pod);
    const endPods = pods.subscribe(({ type, object }) =>
      type === 'DELETED' ? this.#gone(object) : this.#observe(object),
    );
    const endCells = book.onChange((cell) => this.#queueAround(cell));
    signal.addEventListener('abort', () => [endPods(), endCells()], { once: true });
    for (const cell of book.cells()) this.#queueAround(cell);
    this.#queue.start(signal);
  }

  /** The pods of a cell, and those that may find a place there. */
  #queueAround(cell: Cell): void {
    for (const uid of cell.members.keys()) this.#queue.add(uid);
    // Many may wait, and each looks at all cells of its namespace: so not at every change.
    for (const uid of this.#options.assignment.waitersFor(cell)) this.#queue.addAfter(uid, ROOM_LOOK_MS);
  }

  /** What some of the pods that wait are waiting for may have come: those are looked at now instead of at their next turn. */
  wakeWaiting(concerns: (pod: WirePod) => boolean): void {
    const { assignment, nodePods } = this.#options;
    for (const uid of assignment.waiting()) {
      const pod = nodePods.get(uid);
      if (pod !== undefined && concerns(pod)) this.#queue.add(uid);
    }
  }

  /** The budget of a class has room, or more than before: some of the pods that wait for it are looked at now. */
  wakeOfBudget(className: string): void {
    // Not at once: what could not be written for the first must not be tried without a pause by the others in turn.
    for (const uid of this.#options.assignment.nextOfBudget(className)) this.#queue.addAfter(uid, ROOM_LOOK_MS);
  }

  #observe(pod: WirePod): void {
    this.#options.nodePods.observe(pod);
    this.#queue.add(pod.metadata.uid ?? '');
  }

  #gone(pod: WirePod): void {
    this.#options.nodePods.remove(pod);
    this.#options.steps.forget(pod);
    this.#queue.add(pod.metadata.uid ?? '');
  }

  async #reconcile(uid: string, signal: AbortSignal): Promise<number | undefined> {
    const { book, nodePods, placeOf, clock, mayAct, nodeIsReady } = this.#options;
    const { launchTimeoutMs, completedLingerMs, agentPatienceMs } = this.#options;
    if (!mayAct()) return LEASE_LOOK_MS;
    const pod = nodePods.get(uid);
    const cell = book.ofPod(uid);
    const step = decide(pod && viewOf(pod, placeOf(pod)), cell && this.#cellViewOf(cell, pod, uid), {
      nowMs: clock.now(),
      launchTimeoutMs,
      completedLingerMs,
      agentPatienceMs,
      nodeIsReady: nodeIsReady(),
    });
    return this.#perform(step, uid, cell, signal);
  }

  async #perform(step: Step, uid: string, cell: Cell | undefined, signal: AbortSignal): Promise<number | undefined> {
    if (step.kind === 'nothing') return step.againMs;
    const { fleet, nodePods, steps } = this.#options;
    if (step.kind === 'endCell') {
      if (cell !== undefined) fleet.release(cell, uid, step);
      return undefined;
    }
    const pod = nodePods.get(uid);
    if (pod === undefined) return undefined;
    const again = () => this.#queue.add(uid);
    try {
      const { againMs, pod: after } = await steps.perform(step, pod, cell, again, signal);
      // The pod may have gone while we wrote to it: what is gone must not come back by an answer that is late.
      if (after !== undefined && nodePods.get(uid) !== undefined) this.#observe(after);
      return againMs;
    } finally {
      // Nor may anything be remembered of it.
      if (nodePods.get(uid) === undefined) steps.forget(pod);
    }
  }

  #cellViewOf(cell: Cell, pod: WirePod | undefined, uid: string): CellView {
    const { kubeletReady, phase, reason } = cell;
    const { booting, ready } = enteredForPod(cell);
    const { agents } = this.#options;
    // What has ended, or is to, needs nothing that could fail to be counted: or its cell would stay.
    const isWanted = pod !== undefined && !isFinished(pod) && pod.metadata.deletionTimestamp === undefined;
    const agentsReady = isWanted && agents.awaitedOn(cell).length === 0;
    const isTooSmall = () => this.#isTooSmall(cell, uid) || (!agentsReady && agents.lacksRoom(cell));
    return {
      phase,
      ...(booting === undefined ? {} : { acceptedAtMs: booting }),
      ...(ready === undefined ? {} : { readyAtMs: ready }),
      agentsReady,
      owesTags: owesTags(cell),
      isClaimed: cell.pool !== undefined && cell.podUid === uid,
      canTakePod: isWanted && kubeletReady && this.#coversPod(cell, uid),
      isTooSmall: isWanted && kubeletReady && isTooSmall(),
      handedOver: cell.members.get(uid)?.handedOver === true,
      ...(reason === undefined ? {} : { reason }),
    };
  }

  #isTooSmall({ allocatable }: Cell, uid: string): boolean {
    const pod = this.#options.nodePods.get(uid);
    if (pod === undefined || allocatable === undefined) return false;
    return isTooSmallFor(minus(allocatable, this.#options.agents.requiredRequest()), pod);
  }

  /** Whether what the cell's kubelet can give covers the pod beside those that have it, or had a place before. */
  #coversPod(cell: Cell, uid: string): boolean {
    const { nodePods } = this.#options;
    const pod = nodePods.get(uid);
    if (pod === undefined || cell.allocatable === undefined) return false;
    const others = membersBefore(cell, uid).flatMap((member) => nodePods.get(member.uid) ?? []);
    return admits(cell.allocatable, [...others, ...this.#options.agents.podsOn(cell)], pod);
  }
}
