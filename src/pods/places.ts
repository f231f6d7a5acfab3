import type { Book } from '../cells/book.ts';
import type { Cell } from '../cells/cell.ts';
import type { Fleet } from '../cells/fleet.ts';
import type { CellPurpose } from '../core/cell.ts';
import type { EventRecorder } from '../kube/events.ts';
import { podName, type WirePod } from '../kube/wire-pod.ts';
import type { Choice, Placement } from '../placement/placement.ts';
import type { Outcome } from './outcome.ts';
import { recordOf } from './recorded-choice.ts';
import { attemptsOf } from './recorded-start.ts';
import { assignedPatch, type PodWriter } from './status.ts';

export interface PlacesOptions {
  readonly book: Book;
  readonly fleet: Fleet;
  readonly placement: Placement;
  readonly writer: PodWriter;
  readonly events: EventRecorder;
}

/** What is settled of a new cell before it is chosen what machine it is. */
export interface Founding {
  readonly cellId: string;
  readonly purpose?: CellPurpose;
}

function describeWait({ phase, machine, offering, enteredMs }: Cell): string {
  const { instanceType, zone } = machine ?? offering ?? {};
  const boots = enteredMs.stopped === undefined ? 'which boots already' : 'which was stopped and boots again';
  return `a warm ${instanceType} in ${zone}, ${phase === 'ready' ? 'ready' : boots}`;
}

/** Writes to pods which cell they have, and to the book which pods a cell has. */
export class Places {
  readonly #options: PlacesOptions;

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  /** Gives a pod a new cell. Nothing is launched before its id is on the pod. */
  async found(pod: WirePod, choice: Choice, founding: Founding, signal: AbortSignal): Promise<Outcome> {
    const { writer, events, book, placement } = this.#options;
    const { cellId } = founding;
    const { offering, alternatives, cellClass, why } = choice;
    const attempt = attemptsOf(pod) + 1;
    const assigned = { cellId, attempt, choice: recordOf(choice, attempt) };
    const build = (nowMs: number) => assignedPatch(assigned, why, nowMs);
    const patched = await writer.patch(pod, build, { exclusive: true, signal });
    if (patched === undefined) {
      placement.spending.release(cellId);
      return {};
    }
    const cell = book.add({ ...founding, podUid: pod.metadata.uid ?? '', pod: podName(pod) }, 'requested');
    Object.assign(cell, { offering, alternatives, cellClass });
    events.normal(pod, 'CellRequested', `${cellId}: ${why}`);
    return { pod: patched };
  }

  /**
   * Gives a pod a cell that has waited for one, and is its own in the book by now; `giveBack` where nothing comes of it. The pod
   * is told at once of one that boots, and of one that is ready as it is handed over, which saves it a write.
   */
  async claim(pod: WirePod, cell: Cell, giveBack: () => void, signal: AbortSignal): Promise<Outcome> {
    const { events } = this.#options;
    const what = `${cell.cellId} of pool ${cell.pool?.name}: ${describeWait(cell)}`;
    if (cell.phase === 'ready') {
      events.normal(pod, 'CellClaimed', what);
      return {};
    }
    const patched = await this.#assign(pod, cell, what, giveBack, signal);
    if (patched === undefined) return {};
    events.normal(pod, 'CellClaimed', what);
    return { pod: patched };
  }

  /** Gives a pod a place on a cell. It is taken before it is written, so that no other gets it. */
  async join(pod: WirePod, cell: Cell, what: string, signal: AbortSignal): Promise<Outcome> {
    const { events, book, fleet } = this.#options;
    const uid = pod.metadata.uid ?? '';
    book.join(cell, { uid, pod: podName(pod) });
    const giveUp = () => fleet.release(cell, uid, { reason: 'no pod has joined it', podIsGone: true });
    const patched = await this.#assign(pod, cell, `${cell.cellId} ${what}`, giveUp, signal);
    if (patched === undefined) return {};
    events.normal(pod, 'CellJoined', `${cell.cellId}: ${what}`);
    return { pod: patched };
  }

  /** Writes to the pod that this cell is its; `undo` where that does not come about. */
  async #assign(pod: WirePod, { cellId }: Cell, why: string, undo: () => void, signal: AbortSignal) {
    const assigned = { cellId, attempt: attemptsOf(pod) + 1 };
    const build = (nowMs: number) => assignedPatch(assigned, why, nowMs);
    const patched = await this.#options.writer.patch(pod, build, { exclusive: true, signal }).catch((error) => {
      undo();
      throw error;
    });
    if (patched === undefined) undo();
    return patched;
  }
}
