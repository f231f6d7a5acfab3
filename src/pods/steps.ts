import type { Logger } from 'pino';
import { ABSORBED, absorption } from '../cells/absorption.ts';
import { type Cell, enteredForPod, isNeededByOthers, isServed } from '../cells/cell.ts';
import type { Fleet, Order } from '../cells/fleet.ts';
import type { Clock } from '../core/clock.ts';
import { isNodelessError, isRefusal, messageOf, type NodelessError } from '../core/errors.ts';
import { DAEMONSET_POLICY_ANNOTATION } from '../core/names.ts';
import { SetsByKey } from '../core/sets-by-key.ts';
import { podName, type WirePod } from '../kube/wire-pod.ts';
import { daemonSetOwnerOf } from '../placement/place.ts';
import type { Placement } from '../placement/placement.ts';
import { AgentSteps, type AgentStepsOptions } from './agent-steps.ts';
import { type Assignment, TURN_LOOK_MS } from './assignment.ts';
import type { Step } from './decide.ts';
import type { Outcome } from './outcome.ts';
import { viewOf } from './pod-view.ts';
import { recordedChoice } from './recorded-choice.ts';
import { startOf } from './recorded-start.ts';
import type { Readiness } from './restore-ready.ts';
import { absorbedPatch, dismissedPatch, endedPatch, handedOverPatch, lostPatch, readyPatch } from './status.ts';
import { describeStart } from './timeline.ts';
import { isReasonToWait } from './waiting.ts';

export interface PodStepsOptions extends AgentStepsOptions {
  readonly fleet: Fleet;
  readonly placement: Placement;
  readonly assignment: Assignment;
  readonly readiness: Readiness;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A step that acts on a pod. */
export type PodStep = Exclude<Step, { kind: 'nothing' } | { kind: 'endCell' }>;

/** Pause before a launch of unknown outcome is asked for again under the same id. */
const LAUNCH_RETRY_MS = 5_000;
const HAND_OVER_LOOK_MS = 1_000;
/** How soon a claim is written again that could not be. */
const OWN_LOOK_MS = 1_000;

/** After these a claimed cell is not the pod's, nor will be. */
const LOST_CLAIM_CODES = ['Denied', 'NotFound'];

/** Phases in which a cell has pods, or one is being handed over. */
function hasRun(cell: Cell): boolean {
  return cell.phase === 'ready' || cell.phase === 'running';
}

/** Performs what `decide` has decided. Each step may be repeated: what it has done before it does not do again. */
export class PodSteps {
  readonly #options: PodStepsOptions;
  /** Pods whose hand-over is being written, by their cell. */
  readonly #handingOver = new SetsByKey();
  readonly #agentSteps: AgentSteps;

  constructor(options: PodStepsOptions) {
    this.#options = options;
    this.#agentSteps = new AgentSteps(options);
  }

  /** Drops what is remembered of a pod that is gone. */
  forget(pod: WirePod): void {
    this.#options.assignment.forget(pod);
    const { uid } = viewOf(pod);
    this.#options.readiness.forget(uid);
    this.#agentSteps.forget(uid);
  }

  #leave(cell: Cell, podUid: string, reason: string): void {
    this.#options.fleet.release(cell, podUid, { reason, podIsGone: true });
  }

  /** Calls `again` when what a step has started in the background has come to something that nothing else tells of. */
  async perform(
    step: PodStep,
    pod: WirePod,
    cell: Cell | undefined,
    again: () => void,
    signal: AbortSignal,
  ): Promise<Outcome> {
    switch (step.kind) {
      case 'assign':
        return this.#options.assignment.assign(pod, again, signal);
      case 'absorb':
        return this.#absorb(pod, signal);
      case 'inject':
        return this.#agentSteps.inject(pod, signal);
      case 'awaitAgents':
        return cell === undefined ? {} : this.#agentSteps.awaitAgents(pod, cell, step.isLate);
      case 'replace':
        return this.#replace(pod, cell, step.reason, again, signal);
      case 'launch':
        return this.#launch(pod, cell, again, signal);
      case 'own':
        return this.#own(pod, cell, signal);
      case 'handOver':
        return this.#handOver(pod, cell, signal);
      case 'restoreReady':
        return this.#restoreReady(pod, cell, again, signal);
      case 'deletePod':
        return this.#deletePod(pod, cell, signal);
      case 'fail':
        return this.#fail(pod, cell, step.reason, signal);
    }
  }

  async #absorb(pod: WirePod, signal: AbortSignal): Promise<Outcome> {
    const { writer, events } = this.#options;
    const name = daemonSetOwnerOf(pod)?.name;
    const why = `is absorbed: its pod is reported Ready here and runs nowhere, for cells bring what nodes need`;
    const remedy = `annotate the DaemonSet with ${DAEMONSET_POLICY_ANNOTATION}: node-cell or inject to run it`;
    const message = absorption(pod) ?? `DaemonSet ${name} ${why}; ${remedy}`;
    const patched = await writer.patch(pod, (now) => absorbedPatch(pod, message, now), { exclusive: true, signal });
    if (patched !== undefined && !viewOf(pod).absorbed) events.normal(pod, ABSORBED, message);
    return { pod: patched };
  }

  async #replace(
    pod: WirePod,
    cell: Cell | undefined,
    reason: string,
    again: () => void,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { events, book, assignment } = this.#options;
    // Looked at first: what has lost its cell must get another in the same step.
    if (assignment.awaitsTurn(pod, again)) return { againMs: TURN_LOOK_MS };
    const { uid } = viewOf(pod);
    if (cell !== undefined) {
      // Another pod may have it the next moment.
      if (this.#handingOver.values(cell.cellId).length > 0) return { againMs: HAND_OVER_LOOK_MS };
      events.warning(pod, 'CellReplaced', `${cell.cellId} could not take the pod: ${reason}`);
      if (cell.phase === 'booting' && cell.pool === undefined) this.#learnFromFailure(cell);
      // Nobody is to join a cell that does not come; the others that wait for it find another as well.
      const isShared = cell.purpose !== undefined || isNeededByOthers(cell, uid);
      if (isShared && isServed(cell)) book.enter(cell, 'lost', reason);
      this.#leave(cell, uid, reason);
    }
    return assignment.assign(pod, again, signal);
  }

  #learnFrom({ offering, cellClass, allocatable }: Cell): void {
    const { placement } = this.#options;
    if (offering === undefined || cellClass === undefined || allocatable === undefined) return;
    placement.booted({ offering, cellClass });
    placement.measured({ offering, cellClass }, allocatable);
  }

  /** A machine that came, but has less than was offered, is no lack of capacity. */
  #learnFromFailure({ offering, cellClass, allocatable }: Cell): void {
    const { placement } = this.#options;
    if (offering === undefined || cellClass === undefined) return;
    const learned = allocatable !== undefined && placement.measured({ offering, cellClass }, allocatable);
    if (!learned) placement.failedToBoot({ offering, cellClass });
  }

  async #launch(pod: WirePod, known: Cell | undefined, again: () => void, signal: AbortSignal): Promise<Outcome> {
    const { book, assignment } = this.#options;
    const { cellId, uid } = viewOf(pod);
    if (cellId === undefined) return {};
    if (known === undefined && book.get(cellId) !== undefined) {
      // It shares that cell, or its annotation was copied, or forged where the admission policy is missing.
      return assignment.assign(pod, again, signal);
    }
    if (known === undefined && assignment.sharingKey(pod) !== undefined) {
      // A choice is recorded of a pod whose cell the id was to be; another's, which it was to join, has ended.
      return assignment.assign(pod, again, signal, recordedChoice(pod) === undefined ? undefined : cellId);
    }
    const cell = known ?? book.add({ cellId, podUid: uid, pod: podName(pod) }, 'requested');
    try {
      const { offering, cellClass } = cell;
      const isChosen = offering !== undefined && cellClass !== undefined;
      const order = isChosen ? { offering, cellClass } : await assignment.choiceFor(pod, cell, signal);
      // Another member may have begun meanwhile.
      if (cell.phase !== 'requested') return {};
      void this.#launchInBackground(pod, cell, order, signal);
      return {};
    } catch (error) {
      if (!isReasonToWait(error)) throw error;
      book.remove(cell);
      return assignment.wait(pod, error, signal);
    }
  }

  async #launchInBackground(pod: WirePod, cell: Cell, order: Order, signal: AbortSignal): Promise<void> {
    const { fleet, placement, events, clock } = this.#options;
    const startedMs = clock.now();
    try {
      const { instanceType, launchType, zone } = await fleet.launch(cell, {
        ...order,
        obstacle: () => placement.obstacleTo(order),
      });
      placement.succeeded(order);
      const seconds = ((clock.now() - startedMs) / 1000).toFixed(1);
      events.normal(
        pod,
        'CellLaunched',
        `${cell.cellId} as ${instanceType} (${launchType}) in ${zone}, accepted after ${seconds} s`,
      );
    } catch (error) {
      if (signal.aborted || cell.phase !== 'launching') return;
      if (isNodelessError(error, 'Denied')) await this.#disown(pod, cell, error, signal);
      else this.#launchFailed(pod, cell, order, error, signal);
    }
  }

  /** The machine of that id is another pod's: it is left alone, and the pod gets another id. */
  async #disown(pod: WirePod, cell: Cell, error: NodelessError, signal: AbortSignal): Promise<void> {
    const { assignment, logger } = this.#options;
    await assignment
      .wait(pod, error, signal)
      .catch((cause) =>
        logger.warn({ pod: cell.pod, reason: messageOf(cause) }, 'the pod keeps a foreign cell id for now'),
      );
    this.#options.book.remove(cell);
  }

  #launchFailed(pod: WirePod, cell: Cell, order: Order, error: unknown, signal: AbortSignal): void {
    const { placement, events, book, clock, logger } = this.#options;
    const { cellId } = cell;
    logger.warn({ cell: cellId, pod: cell.pod, reason: messageOf(error) }, 'launch failed');
    events.warning(pod, 'CellLaunchFailed', `${cellId} as ${order.offering.instanceType}: ${messageOf(error)}`);
    placement.launchFailed(order, error);
    if (isNodelessError(error, 'InsufficientCapacity') || isRefusal(error)) {
      // No machine came of it, as one may have of what fails otherwise; the next try is another launch, so it gets another id.
      book.enter(cell, 'lost', messageOf(error));
    } else {
      const again = () => cell.phase === 'launching' && book.enter(cell, 'requested');
      void clock.sleep(LAUNCH_RETRY_MS, signal).then(again, () => undefined);
    }
  }

  async #handOver(pod: WirePod, cell: Cell | undefined, signal: AbortSignal): Promise<Outcome> {
    if (cell === undefined) return {};
    const { book, writer, events, clock } = this.#options;
    const message = cell.phase === 'running' ? 'there is room on it' : describeStart(cell, clock.now());
    if (cell.phase !== 'running') book.enter(cell, 'ready');
    this.#learnFrom(cell);
    const { uid } = viewOf(pod);
    const start = startOf(pod, enteredForPod(cell), cell.pool?.name);
    this.#handingOver.add(cell.cellId, uid);
    const patched = await writer
      .patch(pod, (now) => handedOverPatch(start, message, now), { signal })
      .finally(() => this.#handingOver.delete(cell.cellId, uid));
    if (patched === undefined || !hasRun(cell)) return { pod: patched };
    events.normal(pod, 'CellReady', `${cell.cellId}: ${message}`);
    book.handOver(cell, uid);
    return { pod: patched };
  }

  /** A claim is written on the machine before its kubelet is shown the pod: so no cell that has run one is ever given again. */
  #own(pod: WirePod, cell: Cell | undefined, signal: AbortSignal): Outcome {
    if (cell === undefined) return {};
    if (!this.#options.fleet.isOwning(cell)) void this.#ownInBackground(pod, cell, signal);
    return { againMs: OWN_LOOK_MS };
  }

  async #ownInBackground(pod: WirePod, cell: Cell, signal: AbortSignal): Promise<void> {
    const { fleet, book, events, logger } = this.#options;
    const { podUid } = cell;
    try {
      await fleet.own(cell);
    } catch (error) {
      // Another has it by now, or it ends: nothing of this concerns it.
      if (signal.aborted || cell.podUid !== podUid || !isServed(cell)) return;
      if (!isNodelessError(error) || !LOST_CLAIM_CODES.includes(error.code)) {
        logger.warn({ cell: cell.cellId, pod: cell.pod, reason: messageOf(error) }, 'a claim is not written yet');
        return;
      }
      events.warning(pod, 'CellClaimFailed', `${cell.cellId} can not be claimed: ${error.message}`);
      if (error.code === 'Denied') await this.#disown(pod, cell, error, signal);
      else book.enter(cell, 'lost', error.message);
    }
  }

  async #restoreReady(pod: WirePod, cell: Cell | undefined, again: () => void, signal: AbortSignal): Promise<Outcome> {
    const { readiness, writer, logger } = this.#options;
    if (cell === undefined) return {};
    const proved = readiness.look(pod, cell, again, signal);
    if (proved !== true) return proved;
    readiness.forget(viewOf(pod).uid);
    logger.info({ pod: podName(pod), cell: cell.cellId }, 'the pod is ready still, by its kubelet');
    return { pod: await writer.patch(pod, readyPatch, { exclusive: true, signal }) };
  }

  /** A finalizer keeps a deleted pod, and who waits for its end looks at its phase: so it becomes Failed first. */
  async #deletePod(pod: WirePod, cell: Cell | undefined, signal: AbortSignal): Promise<Outcome> {
    const { writer } = this.#options;
    if (!viewOf(pod).finished) {
      const { handedOver, cellId, uid, absorbed } = viewOf(pod);
      const ran = cell === undefined ? handedOver : cell.members.get(uid)?.handedOver === true;
      const build = (nowMs: number) => {
        if (absorbed) return dismissedPatch();
        return ran
          ? lostPatch(pod, `cell ${cellId} is lost: ${cell?.reason ?? 'its machine ended'}`, nowMs)
          : endedPatch('the pod was deleted before a cell was ready for it', nowMs);
      };
      await writer.patch(pod, build, { signal });
    }
    await writer.delete(pod, signal);
    if (cell !== undefined) this.#leave(cell, viewOf(pod).uid, 'its pod is deleted');
    return {};
  }

  async #fail(pod: WirePod, cell: Cell | undefined, reason: string, signal: AbortSignal): Promise<Outcome> {
    const { writer, events } = this.#options;
    const message = `cell ${viewOf(pod).cellId} is lost: ${reason}`;
    const patched = await writer.patch(pod, (now) => lostPatch(pod, message, now), { signal });
    events.warning(pod, 'CellLost', message);
    if (cell !== undefined) this.#leave(cell, viewOf(pod).uid, reason);
    return { pod: patched };
  }
}
