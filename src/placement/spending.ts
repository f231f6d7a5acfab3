import type { CellClass } from '../core/cell-class.ts';

/** What a class may still have; without a budget, Infinity. */
export interface Room {
  readonly cells: number;
  readonly pricePerHourUsd: number;
  /** There may be some: what the class has is not known in full yet. */
  readonly isUnknown?: true;
}

interface Cost {
  readonly className: string;
  readonly pricePerHourUsd: number;
}

interface Total {
  readonly cells: number;
  readonly pricePerHourUsd: number;
}

const NOTHING: Total = { cells: 0, pricePerHourUsd: 0 };
const UNKNOWN: Room = { ...NOTHING, isUnknown: true };
/** Prices have at most eight decimals; less than half of that is the error of adding them up. */
const ROUNDING_USD = 5e-9;

/** How many cells each class has and what they cost, with those that are only about to be launched. */
export class Spending {
  readonly #cells = new Map<string, Cost>();
  readonly #totals = new Map<string, Total>();
  readonly #roomListeners = new Set<(className: string) => void>();
  #isComplete = () => true;

  /** From now on classes with a budget have no room while this says that not all their cells are counted yet. */
  completeWhen(isComplete: () => boolean): void {
    this.#isComplete = isComplete;
  }

  /** Counts a cell from now on that was chosen by another process, or before this one began. */
  hold(cellId: string, className: string, pricePerHourUsd: number): void {
    this.withdraw(cellId);
    this.#cells.set(cellId, { className, pricePerHourUsd });
    this.#add(className, 1, pricePerHourUsd);
  }

  /** Counts a cell that was chosen just now. */
  spend(cellId: string, className: string, pricePerHourUsd: number): void {
    this.hold(cellId, className, pricePerHourUsd);
    this.#tellOfRoom(className);
  }

  /** Counts a cell at what it turned out to cost. */
  settle(cellId: string, pricePerHourUsd: number): void {
    const cost = this.#cells.get(cellId);
    if (cost !== undefined && cost.pricePerHourUsd !== pricePerHourUsd)
      this.spend(cellId, cost.className, pricePerHourUsd);
  }

  /** Counts a cell no more that is chosen anew: nobody else is to have what it leaves. @returns its class, if it was counted */
  withdraw(cellId: string): string | undefined {
    const cost = this.#cells.get(cellId);
    if (cost === undefined) return undefined;
    this.#cells.delete(cellId);
    this.#add(cost.className, -1, -cost.pricePerHourUsd);
    return cost.className;
  }

  /** Counts a cell no more: it has ended, or nothing came of it. */
  release(cellId: string): void {
    const className = this.withdraw(cellId);
    if (className !== undefined) this.#tellOfRoom(className);
  }

  /**
   * Calls back with the name of a class whose budget may have something left for another pod that waits: it had room a moment
   * ago, or has more than before. The returned function ends that.
   */
  onRoom(listener: (className: string) => void): () => void {
    this.#roomListeners.add(listener);
    return () => this.#roomListeners.delete(listener);
  }

  #tellOfRoom(className: string): void {
    for (const listener of this.#roomListeners) listener(className);
  }

  /** What a class may still have, when the cells `without` have ended. */
  room({ name, spec }: CellClass, without: readonly string[] = []): Room {
    const { maxCells = Number.POSITIVE_INFINITY, maxPricePerHourUsd = Number.POSITIVE_INFINITY } = spec.budgets;
    const isLimited = maxCells !== Number.POSITIVE_INFINITY || maxPricePerHourUsd !== Number.POSITIVE_INFINITY;
    if (isLimited && !this.#isComplete()) return UNKNOWN;
    const { cells, pricePerHourUsd } = this.#totals.get(name) ?? NOTHING;
    const ended = without.flatMap((cellId) => this.#cells.get(cellId) ?? []).filter((cost) => cost.className === name);
    const backUsd = ended.reduce((sum, cost) => sum + cost.pricePerHourUsd, 0);
    return {
      cells: maxCells - cells + ended.length,
      pricePerHourUsd: maxPricePerHourUsd - pricePerHourUsd + backUsd + ROUNDING_USD,
    };
  }

  #add(className: string, cells: number, pricePerHourUsd: number): void {
    const before = this.#totals.get(className) ?? NOTHING;
    const after = { cells: before.cells + cells, pricePerHourUsd: before.pricePerHourUsd + pricePerHourUsd };
    // Dropped when it is empty, which also ends the drift of sums.
    if (after.cells === 0) this.#totals.delete(className);
    else this.#totals.set(className, after);
  }
}
