import type { Logger } from 'pino';
import type { Book } from '../cells/book.ts';
import { type Cell, isServed } from '../cells/cell.ts';
import type { Fleet, Order } from '../cells/fleet.ts';
import type { Clock } from '../core/clock.ts';
import { isNodelessError, isRefusal, messageOf, type NodelessError } from '../core/errors.ts';
import type { EventRecorder } from '../kube/events.ts';
import { podName, type WirePod } from '../kube/wire-pod.ts';
import type { Placement } from '../placement/placement.ts';
import type { Assignment } from './assignment.ts';
import type { Outcome } from './outcome.ts';
import { viewOf } from './pod-view.ts';
import { recordedChoice } from './recorded-choice.ts';
import { isReasonToWait } from './waiting.ts';

export interface LaunchStepsOptions {
  readonly book: Book;
  readonly fleet: Fleet;
  readonly placement: Placement;
  readonly assignment: Assignment;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Pause before a launch of unknown outcome is asked for again under the same id. */
const LAUNCH_RETRY_MS = 5_000;
/** How soon a claim is written again that could not be. */
const OWN_LOOK_MS = 1_000;

/** After these a claimed cell is not the pod's, nor will be. */
const LOST_CLAIM_CODES = ['Denied', 'NotFound'];

/** The steps by which a pod comes to a machine of its own: one that is launched, or one that has waited for it. */
export class LaunchSteps {
  readonly #options: LaunchStepsOptions;

  constructor(options: LaunchStepsOptions) {
    this.#options = options;
  }

  /** Has a pod's cell launched, under the id that is on the pod. */
  async launch(pod: WirePod, known: Cell | undefined, again: () => void, signal: AbortSignal): Promise<Outcome> {
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
      const { offering, alternatives, cellClass } = cell;
      const isChosen = offering !== undefined && cellClass !== undefined;
      const order = isChosen ? { offering, alternatives, cellClass } : await assignment.choiceFor(pod, cell, signal);
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
        obstacle: () => placement.experience.obstacleTo(order),
      });
      placement.experience.succeeded({ ...order, offering: cell.offering ?? order.offering });
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
    placement.experience.launchFailed(order, error);
    if (isNodelessError(error, 'InsufficientCapacity') || isRefusal(error)) {
      // No machine came of it, as one may have of what fails otherwise; the next try is another launch, so it gets another id.
      book.enter(cell, 'lost', messageOf(error));
    } else {
      const again = () => cell.phase === 'launching' && book.enter(cell, 'requested');
      void clock.sleep(LAUNCH_RETRY_MS, signal).then(again, () => undefined);
    }
  }

  /** A claim is written on the machine before its kubelet is shown the pod: so no cell that has run one is ever given again. */
  own(pod: WirePod, cell: Cell, signal: AbortSignal): Outcome {
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
}
