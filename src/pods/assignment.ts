import type { Book } from '../cells/book.ts';
import { type Cell, isOnItsWay, isServed } from '../cells/cell.ts';
import { newCellId } from '../cells/cell-id.ts';
import { NODE_CELL } from '../core/cell.ts';
import type { Clock } from '../core/clock.ts';
import { NodelessError } from '../core/errors.ts';
import { DAEMONSET_POLICY_ANNOTATION } from '../core/names.ts';
import { covers, describeResources, type Resources } from '../core/resources.ts';
import { podName, type WirePod } from '../kube/wire-pod.ts';
import type { Admission } from '../placement/admission.ts';
import { isMateOf, wantedCompany } from '../placement/company.ts';
import { daemonSetOwnerOf, type Place } from '../placement/place.ts';
import type { Choice, Placement } from '../placement/placement.ts';
import { type Host, type Seat, seatOf } from '../placement/seat.ts';
import { askForBudget } from './budget-request.ts';
import type { NodePods } from './node-pods.ts';
import type { Outcome } from './outcome.ts';
import type { Founding, Places } from './places.ts';
import { freeOn, isUnseated, livePodsOf, type Share, standingOf } from './room.ts';
import { SharedChoice } from './shared-choice.ts';
import { Turns } from './turns.ts';
import { isReasonToWait, NODE_CELL_KEY, Waiting, type WaitingOptions } from './waiting.ts';
import type { WarmCells } from './warm-cells.ts';

export interface AssignmentOptions extends Omit<WaitingOptions, 'sharingKey'> {
  readonly book: Book;
  readonly places: Places;
  readonly placement: Placement;
  readonly placeOf: (pod: WirePod) => Place | undefined;
  readonly pods: NodePods;
  readonly warm: WarmCells;
  readonly clock: Clock;
  /** How long the first of the pods that share a cell waits for the others. */
  readonly gatherMs: number;
  /** What the node cell is sized for. */
  readonly nodeCellSize: Resources;
}

type SharedSeat = Exclude<Seat<Cell>, { kind: 'found' | 'wait' }>;

/** Who was called for its turn may be gone by then, and calls no other. */
export const TURN_LOOK_MS = 2_000;

function noRoom(message: string): NodelessError {
  return new NodelessError({ code: 'NoRoom', retryable: true, message });
}

function unknownPlace(pod: WirePod): NodelessError {
  const owner = daemonSetOwnerOf(pod);
  const message =
    owner === undefined
      ? `its namespace is not known to this provider yet`
      : `there is no DaemonSet ${owner.name} of uid ${owner.uid}, which it says it is of; it gets a place when there is, or delete the pod`;
  return new NodelessError({ code: 'NotFound', retryable: true, message });
}

function notForEveryCell(pod: WirePod): NodelessError {
  const message = `DaemonSet ${daemonSetOwnerOf(pod)?.name} asks for a place in every cell, which those of namespace ${namespaceOf(pod)} may not have; an operator adds it to cells.agents.namespaces, or annotate the DaemonSet with ${DAEMONSET_POLICY_ANNOTATION}: absorb or node-cell`;
  return new NodelessError({ code: 'AgentDenied', message });
}

/** Gives pods their cells: one of its own to each, but for those that must be together, or on the node cell. */
export class Assignment {
  readonly #options: AssignmentOptions;
  readonly #turns = new Turns();
  readonly #waiting: Waiting;
  readonly #shared: SharedChoice;
  /** Since when each pod waits for others to share a cell with. */
  readonly #gatheringSinceMs = new Map<string, number>();
  /** Pods that were given another cell because of who came after them: once is enough. */
  readonly #moved = new Set<string>();
  constructor(options: AssignmentOptions) {
    this.#options = options;
    this.#shared = new SharedChoice(options);
    this.#waiting = new Waiting({ ...options, sharingKey: (pod) => this.sharingKey(pod) });
  }

  /** Uids of the pods that wait for a cell and have been told why. */
  waiting(): Iterable<string> {
    return this.#waiting.uids();
  }

  /** Drops what is remembered of a pod that is gone. */
  forget(pod: WirePod): void {
    const { uid = '' } = pod.metadata;
    this.#waiting.forget(pod);
    this.#moved.delete(uid);
    this.#gatheringSinceMs.delete(uid);
    this.#options.warm.forget(uid);
  }

  /** The pods that may find a place now that a cell has changed. */
  waitersFor(cell: Cell): readonly string[] {
    return this.#waiting.waitersFor(cell);
  }

  /** A few of the pods that may have a cell now that the budget of a class has room. */
  nextOfBudget(className: string): readonly string[] {
    return this.#waiting.nextOfBudget(className);
  }

  /** Whether a pod waits for the budget of a class. */
  isBudgetAwaited(className: string): boolean {
    return this.#waiting.isBudgetAwaited(className);
  }

  /** Tells a pod once why it has to wait. */
  async wait(pod: WirePod, error: NodelessError, signal: AbortSignal): Promise<Outcome> {
    return this.#waiting.wait(pod, error, signal);
  }

  /**
   * Gives a pod a cell, under a given id where it is new; tells it why not where there is none. Calls `again` where the pod
   * has to come another time.
   */
  async assign(pod: WirePod, again: () => void, signal: AbortSignal, cellId = newCellId()): Promise<Outcome> {
    const place = this.#options.placeOf(pod);
    if (place === undefined) return this.wait(pod, unknownPlace(pod), signal);
    if (place === 'not-injected') return this.wait(pod, notForEveryCell(pod), signal);
    if (this.awaitsTurn(pod, again)) return { againMs: TURN_LOOK_MS };
    const key = this.sharingKey(pod);
    const seat = key === NODE_CELL_KEY ? this.#onNodeCell : this.#inCompany;
    const work = () => (key === undefined ? this.#onItsOwn : seat).call(this, pod, { cellId }, signal);
    try {
      const outcome = await (key === undefined ? work() : this.#turns.take(key, work));
      if (outcome.pod !== undefined) this.#waiting.forget(pod);
      return outcome;
    } catch (error) {
      const { placement, warm, nodeCellSize } = this.#options;
      placement.spending.release(cellId);
      if (!isReasonToWait(error)) throw error;
      // It is known to wait before anything is given up for it.
      const told = this.wait(pod, error, signal);
      const chooseInsteadOf = (insteadOf: readonly string[]) =>
        key === NODE_CELL_KEY
          ? placement.chooseSize(nodeCellSize, undefined, signal, { insteadOf })
          : this.#shared.choose(pod, { insteadOf }, signal);
      const [outcome] = await Promise.all([told, askForBudget(warm, { pod, error, chooseInsteadOf })]);
      return outcome;
    }
  }

  /** Whether another pod is being given a place on a cell that this one may share; `again` is called when that is done. */
  awaitsTurn(pod: WirePod, again: () => void): boolean {
    const key = this.sharingKey(pod);
    return key !== undefined && this.#turns.isTaken(key, pod.metadata.uid ?? '', again);
  }

  /** Whose cells a pod looks for a place on: the node cell, or those of its namespace; undefined for one that has its own. */
  sharingKey(pod: WirePod): string | undefined {
    if (this.#options.placeOf(pod) === 'node-cell') return NODE_CELL_KEY;
    return wantedCompany(pod).length > 0 ? namespaceOf(pod) : undefined;
  }

  /** A warm cell, where one will do and no other pod is to be with it; else a new one. */
  async #onItsOwn(pod: WirePod, founding: Founding, signal: AbortSignal): Promise<Outcome> {
    const { warm, places } = this.#options;
    const cell = warm.isFor(pod) && !this.#shared.isSought(pod) ? await this.#takeWarm(pod, signal) : undefined;
    if (cell === undefined) return this.#alone(pod, founding, signal);
    // It is not told on the pod at once, which would end the wait.
    this.#waiting.forget(pod);
    return places.claim(pod, cell, () => warm.giveBack(cell), signal);
  }

  async #takeWarm(pod: WirePod, signal: AbortSignal): Promise<Cell | undefined> {
    const { placement, warm } = this.#options;
    const obstacleOf = await placement.sitting.admission(pod, signal);
    const shareOf = await placement.sitting.shares(signal);
    const need = placement.demands.need(pod);
    const hasRoomOn = (cell: Cell) =>
      covers(
        freeOn(cell, [], () => need, shareOf),
        need,
      );
    return warm.take(pod, { need, hasRoomOn, mayBeOn: (on) => obstacleOf(on) === undefined });
  }

  /** A cell of its own, with room for those that must be with it and wait. */
  async #alone(pod: WirePod, founding: Founding, signal: AbortSignal): Promise<Outcome> {
    const choice = await this.#shared.choose(pod, { cellId: founding.cellId }, signal);
    return this.#options.places.found(pod, choice, founding, signal);
  }

  /** What a cell is launched as of which only its id is known, for this pod. */
  async choiceFor(pod: WirePod, cell: Cell, signal: AbortSignal): Promise<Choice> {
    const { placement, nodeCellSize } = this.#options;
    const { cellId, purpose } = cell;
    return purpose === NODE_CELL
      ? placement.chooseSize(nodeCellSize, cellId, signal)
      : this.#shared.choose(pod, { cellId }, signal);
  }

  async #inCompany(pod: WirePod, founding: Founding, signal: AbortSignal): Promise<Outcome> {
    const { placement, places } = this.#options;
    const obstacleOf = await placement.sitting.admission(pod, signal);
    const shareOf = await placement.sitting.shares(signal);
    const seat = seatOf(
      pod,
      placement.demands.need(pod),
      this.#hostsFor(pod, obstacleOf, shareOf),
      this.#unseated(pod),
    );
    switch (seat.kind) {
      case 'wait':
        throw noRoom(seat.reason);
      case 'join':
        return places.join(pod, seat.host.cell, `shares the machine of ${podName(seat.mate)}`, signal);
      case 'full':
        return this.#makeRoom(pod, seat, signal);
      case 'found': {
        const gatherMs = this.#gatherMsLeft(pod);
        if (gatherMs > 0) return { againMs: gatherMs };
        return this.#alone(pod, founding, signal);
      }
    }
  }

  /** A cell that has not come yet, for one pod, is given up for a larger one. Others are full. */
  async #makeRoom(pod: WirePod, { host, mate }: SharedSeat, signal: AbortSignal): Promise<Outcome> {
    const { book, pods, placement, gatherMs } = this.#options;
    const { cell } = host;
    const founder = pods.get(cell.podUid);
    const mayMove = () => isOnItsWay(cell) && cell.members.size === 1 && !this.#moved.has(cell.podUid);
    if (founder !== undefined && mayMove()) {
      await this.#shared.together(founder, pod, { insteadOf: [cell.cellId] }, signal);
      if (mayMove()) {
        this.#moved.add(cell.podUid);
        book.enter(cell, 'lost', `${podName(pod)} must be on one machine with it`);
        return { againMs: gatherMs };
      }
    }
    const need = describeResources(placement.demands.need(pod));
    throw noRoom(
      `${cell.cellId} of ${podName(mate)}, which it must be on one machine with, has no room for ${need}; it gets a place when there is room, or when those pods are replaced together with it`,
    );
  }

  async #onNodeCell(pod: WirePod, { cellId }: Founding, signal: AbortSignal): Promise<Outcome> {
    const { placement, places, nodeCellSize, book, pods } = this.#options;
    const obstacleOf = await placement.sitting.nodeCellAdmission(pod, signal);
    const shareOf = await placement.sitting.shares(signal);
    const need = placement.demands.need(pod);
    if (!covers(nodeCellSize, need)) {
      const size = describeResources(nodeCellSize);
      const message = `it needs ${describeResources(need)}, and the node cell is sized for ${size}; raise cells.nodeCell.size`;
      throw new NodelessError({ code: 'NoOffering', message });
    }
    const cell = [...book.cells()].find((one) => one.purpose === NODE_CELL && isServed(one));
    if (cell === undefined) {
      const choice = await placement.chooseSize(nodeCellSize, cellId, signal);
      const obstacle = obstacleOf({ className: choice.cellClass.name, machine: choice.offering });
      if (obstacle !== undefined)
        throw noRoom(`the node cell would be ${choice.offering.instanceType}, which ${obstacle}`);
      const why = `${choice.why}, as the node cell`;
      return places.found(pod, { ...choice, why }, { cellId, purpose: NODE_CELL }, signal);
    }
    const obstacle = obstacleOf(standingOf(cell));
    if (obstacle !== undefined) throw noRoom(`the node cell, ${cell.cellId}, ${obstacle}`);
    const free = freeOn(cell, livePodsOf(cell, pods), (one) => placement.demands.need(one), shareOf);
    if (covers(free, need)) {
      return places.join(pod, cell, 'is the node cell', signal);
    }
    throw noRoom(
      `the node cell, ${cell.cellId}, has no room for ${describeResources(need)}; it gets a place when there is room, or raise cells.nodeCell.size`,
    );
  }

  #gatherMsLeft(pod: WirePod): number {
    const { clock, gatherMs } = this.#options;
    const { uid = '' } = pod.metadata;
    const sinceMs = this.#gatheringSinceMs.get(uid) ?? clock.now();
    this.#gatheringSinceMs.set(uid, sinceMs);
    return sinceMs + gatherMs - clock.now();
  }

  #unseated(pod: WirePod): readonly WirePod[] {
    const { book, placeOf, pods } = this.#options;
    return pods
      .inNamespace(namespaceOf(pod))
      .filter((one) => isUnseated(one, book.ofPod(one.metadata.uid ?? '')) && placeOf(one) === 'cell');
  }

  /** The cells that have a pod which this one requires; what they have left is counted for these alone. */
  #hostsFor(pod: WirePod, obstacleOf: Admission, shareOf: Share): readonly Host<Cell>[] {
    const { pods, book, placement } = this.#options;
    const mates = pods.inNamespace(namespaceOf(pod)).filter((one) => isMateOf(pod, one));
    const cells = new Set(mates.flatMap(({ metadata }) => book.ofPod(metadata.uid ?? '') ?? []));
    return [...cells]
      .filter((cell) => isServed(cell) && cell.purpose === undefined && !cell.expired && !cell.interrupted)
      .map((cell) => {
        const live = livePodsOf(cell, pods);
        const free = freeOn(cell, live, (one) => placement.demands.need(one), shareOf);
        return { cell, pods: live, free, obstacle: obstacleOf(standingOf(cell)) };
      });
  }
}

function namespaceOf(pod: WirePod): string {
  return pod.metadata.namespace ?? 'default';
}
