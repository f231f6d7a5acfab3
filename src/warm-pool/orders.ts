import type { Logger } from 'pino';
import type { Book } from '../cells/book.ts';
import { type Cell, isWarm } from '../cells/cell.ts';
import { newCellId } from '../cells/cell-id.ts';
import type { Fleet } from '../cells/fleet.ts';
import { createBackoff } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import { type Constraints, type Requirement, ZONE_LABEL } from '../core/constraints.ts';
import { isNodelessError, messageOf } from '../core/errors.ts';
import { fullReference } from '../core/image-reference.ts';
import { LAUNCH_TYPE_LABEL } from '../core/names.ts';
import type { Resources } from '../core/resources.ts';
import type { WarmPool, WarmPoolSpec } from '../core/warm-pool.ts';
import type { Choice, Placement } from '../placement/placement.ts';

export interface OrdersOptions {
  readonly book: Book;
  readonly fleet: Fleet;
  readonly placement: Placement;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly launchTimeoutMs: number;
  /** A cell has come so long after it was wanted; an outage of more than a launch's time counts as that. */
  readonly onCame: (ms: number) => void;
}

/** Why a pool has fewer cells than it should. */
export interface Trouble {
  readonly reason: string;
  readonly message: string;
}

const BACKOFF_MS = { first: 1_000, last: 60_000 };

function troubleOf(error: unknown): Trouble {
  return { reason: isNodelessError(error) ? error.code : 'Failed', message: messageOf(error) };
}

/** What a pool's cells are to be like beyond their size. */
export function likeOf({ cellClass, launchTypes, zone }: WarmPoolSpec) {
  const oneOf = (key: string, values: readonly string[]): Requirement => ({ key, operator: 'In', values: [...values] });
  const term = [
    ...(launchTypes === undefined ? [] : [oneOf(LAUNCH_TYPE_LABEL, launchTypes)]),
    ...(zone === undefined ? [] : [oneOf(ZONE_LABEL, [zone])]),
  ];
  const constraints: readonly Constraints[] = term.length === 0 ? [] : [{ required: [term] }];
  return { className: cellClass, constraints };
}

/** Orders the cells of one pool; after a failure none for a while that grows. */
export class Orders {
  readonly #options: OrdersOptions;
  readonly #backoff = createBackoff(BACKOFF_MS.first, BACKOFF_MS.last);
  readonly #underWay = new Set<string>();
  /** Since when each cell on its way is wanted: also while orders in its stead failed. */
  readonly #wantedSinceMs = new Map<string, number>();
  /** Since when cells are wanted whose orders failed, and that have not been ordered again. */
  #failedSinceMs: number[] = [];
  #pausedUntilMs = 0;
  #trouble: Trouble | undefined;
  #nothingOffered: Trouble | undefined;
  #width = Number.POSITIVE_INFINITY;

  constructor(options: OrdersOptions) {
    this.#options = options;
  }

  /** Why the last order failed, or the next would; undefined once a cell has come since. */
  get trouble(): Trouble | undefined {
    return this.#nothingOffered ?? this.#trouble;
  }

  get isPaused(): boolean {
    const leftMs = this.#pausedUntilMs - this.#options.clock.now();
    // More is left only where the clock was set back.
    return leftMs > 0 && leftMs <= BACKOFF_MS.last;
  }

  /** Whether an order may go well. */
  get isOpen(): boolean {
    return !this.isPaused && this.#nothingOffered === undefined;
  }

  /** How many may be on their way: after a failure one, and twice as many with each that comes. */
  get width(): number {
    return this.#width;
  }

  /** Whether a cell that was ordered here has not come yet. */
  isAwaited({ cellId }: Cell): boolean {
    return this.#wantedSinceMs.has(cellId);
  }

  /** Nothing is missing: what failed before is not wanted any more. */
  settle(): void {
    this.#failedSinceMs = [];
  }

  /** A cell has come. */
  came({ cellId }: Cell): void {
    const { clock, launchTimeoutMs, onCame } = this.#options;
    const sinceMs = this.#wantedSinceMs.get(cellId);
    // Of one that was found at a start it is not known how long it took.
    if (sinceMs !== undefined) onCame(Math.min(launchTimeoutMs, Math.max(0, clock.now() - sinceMs)));
    this.#wantedSinceMs.delete(cellId);
    this.#backoff.reset();
    this.#trouble = undefined;
    this.#width *= 2;
  }

  /** A cell is gone. */
  forget({ cellId }: Cell): void {
    this.#wantedSinceMs.delete(cellId);
  }

  /** What a cell would be launched as now; nothing is counted. Undefined where there is nothing, which is the trouble then. */
  async wouldBe({ spec }: WarmPool, size: Resources): Promise<Choice | undefined> {
    const { placement, signal } = this.#options;
    try {
      const choice = await placement.chooseSize(size, undefined, signal, likeOf(spec));
      this.#nothingOffered = undefined;
      return choice;
    } catch (error) {
      if (!signal.aborted) this.#nothingOffered = troubleOf(error);
      return undefined;
    }
  }

  /** A new cell, which counts from now on. */
  order(pool: WarmPool, size: Resources): void {
    const identity = { cellId: newCellId(), podUid: '', pod: '', pool: { name: pool.name, uid: pool.uid } };
    const cell = this.#options.book.add(identity, 'requested', []);
    this.#wantedSinceMs.set(cell.cellId, this.#failedSinceMs.shift() ?? this.#options.clock.now());
    void this.launch(cell, pool, size);
  }

  /** Launches the machine of a cell that is on its way, or again under its id where nobody knows what came of that. */
  async launch(cell: Cell, pool: WarmPool, size: Resources): Promise<void> {
    const { book, fleet, placement, signal } = this.#options;
    const { cellId } = cell;
    if (this.#underWay.has(cellId)) return;
    this.#underWay.add(cellId);
    try {
      const { offering, alternatives, cellClass } = cell;
      const isChosen = offering !== undefined && cellClass !== undefined;
      const order = isChosen
        ? { offering, alternatives, cellClass }
        : await placement.chooseSize(size, cellId, signal, likeOf(pool.spec));
      if (book.get(cellId) !== cell || cell.phase !== 'requested') {
        if (book.get(cellId) !== cell) placement.spending.release(cellId);
        return;
      }
      const machine = await fleet.launch(cell, {
        ...order,
        images: (pool.spec.images ?? []).map(fullReference),
        obstacle: () => placement.experience.obstacleTo(order),
      });
      placement.experience.succeeded({ ...order, offering: cell.offering ?? order.offering });
      this.#options.logger.info({ cell: cellId, pool: pool.name, type: machine.instanceType }, 'warm cell launched');
    } catch (error) {
      if (signal.aborted || book.get(cellId) !== cell || !isWarm(cell) || cell.phase === 'ending') return;
      const isAmbiguous = isNodelessError(error, 'AmbiguousOutcome');
      if (!isAmbiguous) this.#failed(cell);
      this.#pause(troubleOf(error), pool);
      const { offering, alternatives, cellClass } = cell;
      if (offering !== undefined && cellClass !== undefined)
        placement.experience.launchFailed({ offering, alternatives, cellClass }, error);
      if (isAmbiguous) book.enter(cell, 'requested');
      else if (cell.offering === undefined && cell.machine === undefined) book.remove(cell);
      else void fleet.end(cell, messageOf(error));
    } finally {
      this.#underWay.delete(cellId);
    }
  }

  /** A machine came, and no kubelet did. */
  failedToBoot(cell: Cell, pool: WarmPool): void {
    const { fleet, placement } = this.#options;
    const { offering, cellClass } = cell;
    if (offering !== undefined && cellClass !== undefined) placement.experience.failedToBoot({ offering, cellClass });
    this.#failed(cell);
    this.#pause({ reason: 'LaunchTimeout', message: `${cell.cellId} did not become ready in time` }, pool);
    void fleet.end(cell, 'it did not become ready in time');
  }

  /** A cell came that no pod of its pool can have. */
  cameUnfit(cell: Cell, pool: WarmPool, why: string): void {
    this.#failed(cell);
    this.#pause({ reason: 'CellUnfit', message: `${cell.cellId} came, and ${why}` }, pool);
    void this.#options.fleet.end(cell, why);
  }

  /** What is ordered in a cell's stead is wanted since then. */
  #failed({ cellId }: Cell): void {
    const sinceMs = this.#wantedSinceMs.get(cellId);
    this.#wantedSinceMs.delete(cellId);
    if (sinceMs !== undefined) this.#failedSinceMs.push(sinceMs);
  }

  #pause(trouble: Trouble, pool: WarmPool): void {
    const { clock, logger } = this.#options;
    this.#width = 1;
    // Orders of one moment fail together, and are one failure.
    if (!this.isPaused) this.#pausedUntilMs = clock.now() + this.#backoff.next();
    if (this.#trouble?.reason !== trouble.reason)
      logger.warn({ pool: pool.name, reason: trouble.message }, 'a warm pool can not order cells for now');
    this.#trouble = trouble;
  }
}
