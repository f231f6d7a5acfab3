import type { Cell } from '../cells/cell.ts';
import type { CellMachine } from '../core/cell.ts';
import { covers, larger, type Resources } from '../core/resources.ts';
import type { WarmPool, WarmPoolSpec } from '../core/warm-pool.ts';
import type { Choice } from '../placement/placement.ts';
import type { Sitting } from '../placement/sitting.ts';
import type { Share } from '../pods/room.ts';
import { unfitness } from './fitness.ts';
import type { Orders } from './orders.ts';

export interface OfferOptions {
  readonly sitting: Pick<Sitting, 'shares'>;
  readonly orders: Pick<Orders, 'wouldBe'>;
  readonly signal: AbortSignal;
  /** A machine that the pool has, for its size where nothing else tells it. */
  readonly oneMachine: () => CellMachine | undefined;
}

/** What the cells of a pool are launched as, how large they are to be, and which will do for its pods. */
export class Offer {
  readonly #options: OfferOptions;
  #choice: Choice | undefined;
  /** The largest that a selected pod has requested and that can be had, where no shape is given. */
  #seen: Resources | undefined;
  /** More than that: whether it can be had is not known yet. */
  #asked: Resources | undefined;
  #shareOf: Share | undefined;

  constructor(options: OfferOptions) {
    this.#options = options;
  }

  /** What its cells are launched as; undefined where nothing is offered, or known yet. */
  get choice(): Choice | undefined {
    return this.#choice;
  }

  /** What its cells are sized for; undefined where that is to be seen by its first pod. */
  size({ shape }: WarmPoolSpec): Resources | undefined {
    return shape ?? this.#seen ?? this.#options.oneMachine()?.allocatable;
  }

  /** What its cells would be launched as is not known any more. */
  forget(): void {
    this.#choice = undefined;
  }

  /** A pod has come. @returns whether it asks for more than is known to be had */
  came({ shape }: WarmPoolSpec, need: Resources): boolean {
    const known = this.#asked ?? this.#seen;
    if (shape !== undefined || (known !== undefined && covers(known, need))) return false;
    this.#asked = known === undefined ? need : larger(known, need);
    return true;
  }

  /** Looks what its cells would be launched as now: for a pod that asks for more, if there is such a machine. */
  async look(pool: WarmPool): Promise<void> {
    const { sitting, orders, signal } = this.#options;
    const asked = this.#asked;
    this.#asked = undefined;
    const forAsked = asked === undefined ? undefined : await orders.wouldBe(pool, asked);
    if (forAsked !== undefined) this.#seen = asked;
    const size = this.size(pool.spec);
    if (size === undefined) return;
    this.#shareOf = await sitting.shares(signal).catch(() => this.#shareOf);
    this.#choice = forAsked ?? (await orders.wouldBe(pool, size)) ?? this.#choice;
  }

  /** How many a budget pays for. */
  affordable({ budget: { maxPricePerHourUsd } }: WarmPoolSpec): number {
    const price = this.#choice?.offering.pricePerHourUsd ?? 0;
    if (maxPricePerHourUsd === undefined || price === 0) return Number.POSITIVE_INFINITY;
    return Math.floor(maxPricePerHourUsd / price + 1e-9);
  }

  /** Why no pod that the pool is sized for can have a cell. */
  unfitness(spec: WarmPoolSpec, cell: Cell): string | undefined {
    const size = spec.shape ?? this.#seen;
    return unfitness(cell, { spec, size, cellClass: this.#choice?.cellClass, shareOf: this.#shareOf });
  }

  /** The share of the life that its class lets it have that is behind a cell. */
  lived({ machine }: Cell, nowMs: number): number {
    const lifeMs = this.#choice?.cellClass.spec.expireAfter ?? Number.POSITIVE_INFINITY;
    return (nowMs - (machine?.createdAtMs ?? nowMs)) / lifeMs;
  }
}
