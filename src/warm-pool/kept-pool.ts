import type { Cell } from '../cells/cell.ts';
import { covers, larger, type Resources } from '../core/resources.ts';
import type { WarmPool } from '../core/warm-pool.ts';
import type { Choice } from '../placement/placement.ts';
import { Holding, priceOf } from './holding.ts';
import { Orders, type OrdersOptions, type Trouble } from './orders.ts';
import type { MeasuredStarts } from './policy/measured-times.ts';
import { type Level, Sizing } from './sizing.ts';
import { StartRecord } from './start-record.ts';

export interface KeptPoolOptions extends OrdersOptions {
  readonly launchTimeoutMs: number;
  /** False where the provider can not give machines to pods: then none are to wait. */
  readonly canClaim: boolean;
  /** False while another process may lead. */
  readonly mayAct: () => boolean;
}

/** What offerings there are, and what was measured, is looked at so often. */
const LOOK_MS = 10_000;
/** Less is billed all the same. */
const BILLED_MS = 60_000;
const NO_LEVEL: Level = { running: 0, atMost: 0, why: 'nothing is known yet', needed: 'rate' };

/** One pool, kept by the process that leads: its cells, how many there should be, and what came of it. */
export class KeptPool {
  readonly holding = new Holding();
  readonly record = new StartRecord();
  readonly orders: Orders;
  readonly #options: KeptPoolOptions;
  readonly #sizing = new Sizing();
  #pool: WarmPool;
  #level: Level = NO_LEVEL;
  #starts: MeasuredStarts | undefined;
  #choice: Choice | undefined;
  /** The largest that a selected pod has requested, where no shape is given. */
  #seen: Resources | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #cameAtOnce = 0;

  constructor(pool: WarmPool, options: KeptPoolOptions) {
    this.#pool = pool;
    this.#options = options;
    this.orders = new Orders(options);
  }

  get pool(): WarmPool {
    return this.#pool;
  }

  get level(): Level {
    return this.#level;
  }

  /** What its cells are sized for; undefined where that is to be seen by its first pod. */
  get size(): Resources | undefined {
    return this.#pool.spec.shape ?? this.#seen;
  }

  /** What its cells are launched as; undefined where nothing is offered, or known yet. */
  get choice(): Choice | undefined {
    return this.#choice;
  }

  get starts(): MeasuredStarts | undefined {
    return this.#starts;
  }

  /** Why it has fewer cells than it should. */
  get trouble(): Trouble | undefined {
    const { min, budget } = this.#pool.spec;
    const affordable = this.#affordable();
    const lacks = this.holding.position < this.#level.running || this.#choice === undefined;
    if (affordable >= min) return lacks ? this.orders.trouble : undefined;
    const message = `spec.budget.maxPricePerHourUsd of ${budget.maxPricePerHourUsd} is enough for ${affordable} cells, and spec.min is ${min}; raise the budget, or lower min`;
    return { reason: 'BudgetBelowMin', message };
  }

  /** Its object has changed: that counts at once. */
  edit(pool: WarmPool): void {
    this.#pool = pool;
    this.#lookedMs = Number.NEGATIVE_INFINITY;
    this.#endUnfit();
  }

  /** A pod that it is for has come. */
  came(need: Resources): void {
    this.#cameAtOnce += 1;
    const { size } = this;
    if (this.#pool.spec.shape !== undefined || (size !== undefined && covers(size, need))) return;
    this.#seen = size === undefined ? need : larger(size, need);
    this.edit(this.#pool);
  }

  started(kind: Parameters<StartRecord['started']>[0], ms: number): void {
    const nowMs = this.#options.clock.now();
    this.record.started(kind, ms, nowMs);
    this.#sizing.started(nowMs, ms);
  }

  /** The pods that came since the last time were one arrival: a Deployment that scales by N. */
  tellArrivals(): void {
    if (this.#cameAtOnce === 0) return;
    this.#sizing.arrived(this.#options.clock.now(), this.#cameAtOnce);
    this.#cameAtOnce = 0;
  }

  /** Looks at everything, and does what follows. */
  async tick(): Promise<void> {
    const { clock } = this.#options;
    const { size } = this;
    if (clock.now() - this.#lookedMs >= LOOK_MS && size !== undefined) {
      this.#lookedMs = clock.now();
      this.#choice = (await this.orders.wouldBe(this.#pool, size)) ?? this.#choice;
      this.#starts = undefined;
    }
    this.#relaunch();
    this.#decide();
    this.refill();
    this.#shrink();
  }

  /** Orders what is missing, also in the moment of a claim. */
  refill(): void {
    const { size, orders, holding } = this;
    const { mayAct, canClaim } = this.#options;
    if (size === undefined || !canClaim || !mayAct() || orders.isPaused) return;
    const replacing = holding.booting.size === 0 && this.#oldest(this.#agedMs()) !== undefined ? 1 : 0;
    for (let missing = this.#level.running + replacing - holding.position; missing > 0; missing -= 1)
      orders.order(this.#pool, size);
  }

  /** Ends all that wait, for the pool is gone. */
  dissolve(): void {
    const { fleet } = this.#options;
    for (const cell of [...this.holding.booting.values(), ...this.holding.ready.values()])
      void fleet.end(cell, 'its pool is gone');
  }

  #decide(): void {
    const nowMs = this.#options.clock.now();
    const launchType = this.#choice?.offering.launchType;
    if (launchType === undefined && this.#starts === undefined) return;
    const { spec } = this.#pool;
    if (launchType !== undefined) this.#starts ??= this.record.measured(launchType, spec.startupSla.target, nowMs);
    if (this.#starts === undefined) return;
    this.#level = this.#sizing.level(nowMs, { spec, affordable: this.#affordable(), starts: this.#starts });
  }

  #affordable(): number {
    const { maxPricePerHourUsd } = this.#pool.spec.budget;
    const price = this.#choice?.offering.pricePerHourUsd ?? 0;
    if (maxPricePerHourUsd === undefined || price === 0) return Number.POSITIVE_INFINITY;
    return Math.floor(maxPricePerHourUsd / price + 1e-9);
  }

  /** Launches again what was asked for and is not known to have come, and gives up what takes too long. */
  #relaunch(): void {
    const { clock, launchTimeoutMs, mayAct } = this.#options;
    if (!mayAct()) return;
    for (const cell of this.holding.booting.values()) {
      const sinceMs = cell.enteredMs.booting ?? cell.enteredMs.requested ?? clock.now();
      // Those that follow were ordered later.
      if (clock.now() - sinceMs < launchTimeoutMs) break;
      if (cell.phase === 'booting') this.orders.failedToBoot(cell, this.#pool);
    }
    const { size } = this;
    if (size === undefined || this.orders.isPaused) return;
    for (const cell of this.holding.booting.values())
      if (cell.phase === 'requested') void this.orders.launch(cell, this.#pool, size);
  }

  #shrink(): void {
    const { fleet, clock, mayAct } = this.#options;
    const { holding } = this;
    if (!mayAct()) return;
    const { running, atMost } = this.#level;
    const aged = this.#oldest(this.#agedMs());
    // Its successor waits already.
    if (aged !== undefined && holding.ready.size > running) void fleet.end(aged, 'it has waited for long');
    // One that is aged stays until its successor waits, and both are there for a while.
    const spare = aged === undefined ? 0 : 1;
    const max = this.#pool.spec.max + spare;
    for (const cell of [...holding.ready.values(), ...holding.booting.values()]) {
      if (holding.position <= atMost + spare) return;
      const isBilled = clock.now() - (cell.machine?.createdAtMs ?? 0) >= BILLED_MS;
      if (holding.position <= max && (cell.phase !== 'ready' || !isBilled)) continue;
      void fleet.end(cell, 'the pool needs fewer cells');
    }
  }

  /** Cells that a change has left too small, or of another class, are replaced. */
  #endUnfit(): void {
    const { fleet } = this.#options;
    const { size } = this;
    const className = this.#pool.spec.cellClass;
    for (const cell of [...this.holding.booting.values(), ...this.holding.ready.values()]) {
      const { machine, offering, cellClass } = cell;
      const has = machine ?? offering;
      const isSmall = size !== undefined && has !== undefined && !covers(has.allocatable, size);
      const isOther = className !== undefined && (cellClass?.name ?? machine?.tags.cellClass) !== className;
      if (isSmall || (isOther && has !== undefined)) void fleet.end(cell, 'its pool has changed');
    }
  }

  /** Half of what its class lets a cell live, so that its pod has the other half. */
  #agedMs(): number {
    return (this.#choice?.cellClass.spec.expireAfter ?? Number.POSITIVE_INFINITY) / 2;
  }

  #oldest(limitMs: number): Cell | undefined {
    if (limitMs === Number.POSITIVE_INFINITY) return undefined;
    const [first] = this.holding.ready.values();
    const createdAtMs = first?.machine?.createdAtMs;
    if (createdAtMs === undefined) return undefined;
    return this.#options.clock.now() - createdAtMs >= limitMs ? first : undefined;
  }

  /** Price of a cell that waits, an hour, in dollars. */
  get pricePerCellUsd(): number {
    const [first] = this.holding.ready.values();
    return this.#choice?.offering.pricePerHourUsd ?? (first === undefined ? 0 : priceOf(first));
  }
}
