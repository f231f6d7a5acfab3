import type { Logger } from 'pino';
import type { Book } from '../cells/book.ts';
import { type Cell, isServed, isWarm } from '../cells/cell.ts';
import { newCellId } from '../cells/cell-id.ts';
import type { Fleet } from '../cells/fleet.ts';
import { type CellPool, isReserve, reserveFor } from '../core/cell.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { podName, type WirePod } from '../kube/wire-pod.ts';
import type { Placement } from '../placement/placement.ts';
import { learnFromStart } from '../pods/learning.ts';
import { replacerOf } from '../pods/rescheduling.ts';
import { standingOf } from '../pods/room.ts';
import type { Wanted } from '../pods/warm-cells.ts';
import type { NoticedPod } from './decide.ts';

export interface ReservesOptions {
  readonly book: Book;
  readonly fleet: Fleet;
  readonly placement: Placement;
  /** Whether what is required on a cell beside its kubelet is there. */
  readonly isComplete: (cell: Cell) => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A pod that goes, and the cell that its successor is to have. */
interface Reservation {
  /** Undefined while it is chosen, and after it came to nothing. */
  cell?: Cell | undefined;
  /** Not to be asked for again before. */
  retryAtMs: number;
}

/** A launch takes five minutes at most, and a pod comes soon after its predecessor went. */
const KEPT_MS = 10 * 60_000;
/** After what could not be had. */
const RETRY_MS = 5_000;

/** Cells that wait each for the next pod of a controller, since one of its pods is about to lose its machine. */
export class Reserves {
  readonly #options: ReservesOptions;
  readonly #byPod = new Map<string, Reservation>();
  /** Those that wait or will, and until when. */
  readonly #waiting = new Map<Cell, number>();

  constructor(options: ReservesOptions) {
    this.#options = options;
  }

  /** Keeps reserves until the signal aborts; those that are there from before as well. */
  start(signal: AbortSignal): void {
    const { book, clock } = this.#options;
    for (const cell of book.cells()) {
      if (isReserve(cell.pool) && isWarm(cell)) this.#waiting.set(cell, clock.now() + KEPT_MS);
    }
    const end = book.onChange((cell) => this.#tend(cell));
    signal.addEventListener('abort', end, { once: true });
  }

  /** Looks at what nothing tells of: agents that are there now, and reserves that nobody came for. */
  tick(): void {
    const { clock, fleet } = this.#options;
    for (const [cell, untilMs] of this.#waiting) {
      this.#tend(cell);
      if (clock.now() >= untilMs && this.#waiting.has(cell)) void fleet.end(cell, 'no pod came for it');
    }
  }

  /** How it is with the cell for a pod's successor. */
  stateOf(podUid: string): NoticedPod['reserve'] {
    const { fleet, clock } = this.#options;
    if (!fleet.canClaim) return 'impossible';
    const known = this.#byPod.get(podUid);
    if (known === undefined) return 'none';
    const { cell, retryAtMs } = known;
    if (cell === undefined || !this.#waiting.has(cell)) return clock.now() < retryAtMs ? 'coming' : 'none';
    return cell.phase === 'ready' ? 'ready' : 'coming';
  }

  /** Has a cell launched for the successor of a pod, in place of the one that ends. */
  async order(pod: WirePod, owner: CellPool, ending: Cell, signal: AbortSignal): Promise<void> {
    const { placement, book, clock, logger } = this.#options;
    const { uid = '' } = pod.metadata;
    const reservation: Reservation = { retryAtMs: Number.POSITIVE_INFINITY };
    this.#byPod.set(uid, reservation);
    const cellId = newCellId();
    try {
      const choice = await placement.choose(pod, { cellId, insteadOf: [ending.cellId] }, signal);
      const { offering, alternatives, cellClass } = choice;
      const cell = book.add({ cellId, podUid: '', pod: '', pool: reserveFor(owner) }, 'requested', []);
      Object.assign(cell, { offering, alternatives, cellClass });
      reservation.cell = cell;
      this.#waiting.set(cell, clock.now() + KEPT_MS);
      await this.#launch(cell, choice, signal);
    } catch (error) {
      placement.spending.release(cellId);
      if (!signal.aborted)
        logger.warn({ pod: podName(pod), reason: messageOf(error) }, 'no cell can be kept for the successor of a pod');
    } finally {
      reservation.retryAtMs = clock.now() + RETRY_MS;
    }
  }

  async #launch(cell: Cell, order: Awaited<ReturnType<Placement['choose']>>, signal: AbortSignal): Promise<void> {
    const { fleet, placement } = this.#options;
    try {
      await fleet.launch(cell, order);
      placement.experience.succeeded({ ...order, offering: cell.offering ?? order.offering });
    } catch (error) {
      placement.experience.launchFailed(order, error);
      if (!signal.aborted && isWarm(cell)) void fleet.end(cell, messageOf(error));
      throw error;
    }
  }

  /** Forgets a pod that is gone; what waits for its successor goes on to wait. */
  forget(podUid: string): void {
    this.#byPod.delete(podUid);
  }

  isFor(pod: WirePod): boolean {
    const owner = replacerOf(pod);
    if (owner === undefined) return false;
    for (const { pool } of this.#waiting.keys()) if (pool?.uid === owner.uid) return true;
    return false;
  }

  /** Gives a pod a cell that waits for one of its controller: the first that is Ready, else one that boots. */
  take(pod: WirePod, { hasRoomOn, mayBeOn }: Wanted): Cell | undefined {
    const owner = replacerOf(pod);
    const fits = [...this.#waiting.keys()].filter((cell) => {
      const isItsOwn = cell.pool?.uid === owner?.uid && isWarm(cell) && cell.machine !== undefined;
      return isItsOwn && isServed(cell) && hasRoomOn(cell) && mayBeOn(standingOf(cell));
    });
    const cell = fits.find(({ phase }) => phase === 'ready') ?? fits.find(({ phase }) => phase === 'booting');
    if (cell !== undefined) this.#options.book.claim(cell, { uid: pod.metadata.uid ?? '', pod: podName(pod) });
    return cell;
  }

  /** Nothing has come of a claim: the cell waits again. */
  giveBack(cell: Cell): void {
    const { book, clock } = this.#options;
    book.unclaim(cell);
    if (isWarm(cell)) this.#waiting.set(cell, clock.now() + KEPT_MS);
  }

  #tend(cell: Cell): void {
    if (!this.#waiting.has(cell)) return;
    const { book, fleet, placement, isComplete } = this.#options;
    const isThere = book.get(cell.cellId) === cell;
    if (!isThere || !isWarm(cell)) {
      this.#waiting.delete(cell);
      return;
    }
    if (cell.phase === 'ending' || cell.phase === 'ended') return;
    if (!isServed(cell)) void fleet.end(cell, cell.reason ?? 'its machine ended');
    else if (cell.phase === 'ready' && !cell.kubeletReady) void fleet.end(cell, 'its kubelet is not Ready any more');
    else if (cell.phase === 'booting' && cell.kubeletReady && isComplete(cell)) {
      learnFromStart(placement.experience, cell);
      book.enter(cell, 'ready');
    }
  }
}
