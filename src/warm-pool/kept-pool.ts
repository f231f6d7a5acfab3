import type { Cell } from '../cells/cell.ts';
import { limitsAhead, limitsAt } from '../core/pool-schedule.ts';
import { covers, larger, type Resources } from '../core/resources.ts';
import type { WarmPool } from '../core/warm-pool.ts';
import type { Choice } from '../placement/placement.ts';
import type { Share } from '../pods/room.ts';
import { unfitness } from './fitness.ts';
import { Holding, priceOf } from './holding.ts';
import type { PoolMemory } from './memory.ts';
import { Orders, type OrdersOptions, type Trouble } from './orders.ts';
import type { MeasuredStarts } from './policy/measured-times.ts';
import { type Level, Sizing } from './sizing.ts';
import { StartRecord } from './start-record.ts';
import { replacements, surplus } from './surplus.ts';

export interface KeptPoolOptions extends Omit<OrdersOptions, 'onCame'> {
  /** False where the provider can not give machines to pods: then none are to wait. */
  readonly canClaim: boolean;
  /** Whether pods can have a cell that waits has changed. */
  readonly onJudged: (cell: Cell) => void;
  /** Whether a pod waits for the budget of a class: it comes before all that wait for pods. */
  readonly isBudgetAwaited: (className: string) => boolean;
  /** False while another process may lead. */
  readonly mayAct: () => boolean;
}

/** What offerings there are, and what was measured, is looked at so often. */
const LOOK_MS = 10_000;
/** What was there when this process began to lead is kept for so long: who led before knew why, and this one has yet to learn. */
const INHERITED_MS = 900_000;
/** A kubelet renews its lease every 10 s. */
const SILENT_MS = 40_000;
const NO_LEVEL: Level = { running: 0, atMost: 0, why: 'nothing is known yet', needed: 'rate' };

/** One pool, kept by the process that leads: its cells, how many there should be, and what came of it. */
export class KeptPool {
  readonly holding = new Holding();
  readonly record: StartRecord;
  readonly orders: Orders;
  readonly #options: KeptPoolOptions;
  readonly #sizing: Sizing;
  #pool: WarmPool;
  #limits: ReturnType<typeof limitsAt>;
  #level: Level | undefined;
  #inherited: { readonly cells: number; readonly untilMs: number } | undefined;
  #starts: MeasuredStarts | undefined;
  #choice: Choice | undefined;
  /** The largest that a selected pod has requested and that can be had, where no shape is given. */
  #seen: Resources | undefined;
  /** More than that: whether it can be had is not known yet. */
  #asked: Resources | undefined;
  #shareOf: Share | undefined;
  /** The cells that wait and that no pod of the pool can have, as they were judged last. */
  readonly #unfit = new Set<Cell>();
  #lookedMs = Number.NEGATIVE_INFINITY;
  #cameAtOnce = 0;

  /** @param memory what was learned of it before */
  constructor(pool: WarmPool, options: KeptPoolOptions, memory?: PoolMemory) {
    this.#pool = pool;
    this.#limits = limitsAt(pool.spec, options.clock.now());
    this.record = new StartRecord(memory, options.clock.now());
    this.#sizing = new Sizing(memory?.log);
    this.#options = options;
    this.orders = new Orders({ ...options, onCame: (ms) => this.record.ordered(ms) });
  }

  get pool(): WarmPool {
    return this.#pool;
  }

  /** What it has learned. */
  get memory(): PoolMemory {
    return { log: this.#sizing.log, ...this.record.samples };
  }

  get level(): Level {
    return this.#level ?? NO_LEVEL;
  }

  /** What its cells are sized for; undefined where that is to be seen by its first pod. */
  get size(): Resources | undefined {
    return this.#pool.spec.shape ?? this.#seen ?? this.holding.oneMachine?.allocatable;
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
    const { budget } = this.#pool.spec;
    const { min } = this.#limits;
    const affordable = this.#affordable();
    const lacks = this.holding.ready.size < this.level.running || this.#choice === undefined;
    if (affordable >= min) return lacks ? (this.#budgetTrouble() ?? this.orders.trouble) : undefined;
    const message = `spec.budget.maxPricePerHourUsd of ${budget.maxPricePerHourUsd} is enough for ${affordable} cells, and min is ${min}; raise the budget, or lower min`;
    return { reason: 'BudgetBelowMin', message };
  }

  #budgetTrouble(): Trouble | undefined {
    const { name } = this.#choice?.cellClass ?? {};
    if (name === undefined || !this.#options.isBudgetAwaited(name)) return undefined;
    const message = `pods wait for the budget of CellClass ${name}, and come first; raise its spec.budgets`;
    return { reason: 'BudgetExceeded', message };
  }

  /** How many may wait now, and by which windows of its schedule. */
  get limits(): ReturnType<typeof limitsAt> {
    return this.#limits;
  }

  /** Its object has changed: that counts at once. */
  edit(pool: WarmPool): void {
    this.#pool = pool;
    this.#limit();
    this.#inherited = { cells: 0, untilMs: 0 };
    this.#lookedMs = Number.NEGATIVE_INFINITY;
    // What its cells would be launched as is not known any more.
    this.#choice = undefined;
    this.#judge();
  }

  /** A pod that it is for has come. */
  came(need: Resources): void {
    this.#cameAtOnce += 1;
    const known = this.#asked ?? this.#seen;
    if (this.#pool.spec.shape !== undefined || (known !== undefined && covers(known, need))) return;
    this.#asked = known === undefined ? need : larger(known, need);
    this.#lookedMs = Number.NEGATIVE_INFINITY;
  }

  started(kind: Parameters<StartRecord['started']>[0], ms: number): void {
    const nowMs = this.#options.clock.now();
    this.record.started(kind, ms, nowMs);
    this.#sizing.started(nowMs, ms);
  }

  /** A pod that it is for is gone, and had not started after so long. */
  gone(kind: Parameters<StartRecord['gone']>[0], ms: number): void {
    // It may have started in time, had it stayed.
    if (ms <= this.#pool.spec.startupSla.target) return;
    this.record.gone(kind, ms);
    this.#sizing.started(this.#options.clock.now(), ms);
  }

  /** Goes on to learn from the days that were, as long as it may. */
  learn(mayGoOn: () => boolean): void {
    this.#sizing.learn(this.#options.clock.now(), mayGoOn);
  }

  /** The pods that came since the last time were one arrival: a Deployment that scales by N. */
  tellArrivals(): void {
    if (this.#cameAtOnce === 0) return;
    this.#sizing.arrived(this.#options.clock.now(), this.#cameAtOnce);
    this.#cameAtOnce = 0;
  }

  /** Looks at everything, and does what follows. */
  async tick(): Promise<void> {
    const nowMs = this.#options.clock.now();
    this.#inherited ??= { cells: this.holding.position, untilMs: nowMs + INHERITED_MS };
    // A clock that was set back must not keep it waiting.
    if (nowMs - this.#lookedMs >= LOOK_MS || nowMs < this.#lookedMs) {
      this.#lookedMs = nowMs;
      await this.#look();
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
    if (size === undefined || !canClaim || !mayAct() || !orders.isOpen || this.#budgetTrouble() !== undefined) return;
    const missing = this.level.running + replacements(holding.ready.values(), this.#terms) - holding.position;
    if (missing <= 0) orders.settle();
    // One successor at a time comes beyond what the budget pays for.
    const affordable = this.#affordable() + 1 - holding.position;
    for (let count = Math.min(missing, affordable, orders.width - holding.booting.size); count > 0; count -= 1)
      orders.order(this.#pool, size);
  }

  /** Ends all that wait, for the pool is gone. */
  dissolve(): void {
    const { fleet } = this.#options;
    for (const cell of [...this.holding.booting.values(), ...this.holding.ready.values()])
      void fleet.end(cell, 'its pool is gone');
  }

  /** What its cells would be launched as now: for a pod that asks for more, if there is such a machine. */
  async #look(): Promise<void> {
    this.#limit();
    const asked = this.#asked;
    this.#asked = undefined;
    const forAsked = asked === undefined ? undefined : await this.orders.wouldBe(this.#pool, asked);
    if (forAsked !== undefined) this.#seen = asked;
    const { size } = this;
    if (size === undefined) return;
    this.#shareOf = await this.#options.placement.shares(this.#options.signal).catch(() => this.#shareOf);
    this.#choice = forAsked ?? (await this.orders.wouldBe(this.#pool, size)) ?? this.#choice;
    this.#starts = undefined;
    this.#judge();
  }

  #limit(): void {
    // Cells are to wait when a window opens.
    const leadMs = (this.#starts?.lead.quantileMs(0.95) ?? 0) + LOOK_MS;
    this.#limits = limitsAhead(this.#pool.spec, this.#options.clock.now(), leadMs);
  }

  #decide(): void {
    const nowMs = this.#options.clock.now();
    const launchType = this.#choice?.offering.launchType;
    if (launchType === undefined && this.#starts === undefined) return;
    const spec = { ...this.#pool.spec, ...this.#limits };
    const target = { ms: spec.startupSla.target, isUnreachable: this.level.needed === 'unreachable' };
    if (launchType !== undefined) this.#starts ??= this.record.measured(launchType, target, nowMs);
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
      const { enteredMs, machine, phase, kubeletReady } = cell;
      const sinceMs = enteredMs.booting ?? enteredMs.requested ?? machine?.createdAtMs ?? clock.now();
      // What has a kubelet waits for agents, and another machine would have to as well.
      if (phase === 'booting' && !kubeletReady && clock.now() - sinceMs >= launchTimeoutMs)
        this.orders.failedToBoot(cell, this.#pool);
    }
    const { size } = this;
    if (size === undefined || this.orders.isPaused) return;
    for (const cell of this.holding.booting.values())
      if (cell.phase === 'requested') void this.orders.launch(cell, this.#pool, size);
  }

  #shrink(): void {
    const { fleet, clock, mayAct } = this.#options;
    if (!mayAct() || this.#level === undefined) return;
    const { spec } = this.#pool;
    const { running } = this.#level;
    const nowMs = clock.now();
    const { cells = 0, untilMs = 0 } = this.#inherited ?? {};
    const inherited = spec.replicas === 0 && nowMs < untilMs ? cells : 0;
    const { max } = this.#limits;
    const atMost = Math.max(this.#level.atMost, Math.min(inherited, max));
    const terms = { running, atMost, max, nowMs, ...this.#terms };
    for (const { cell, reason } of surplus(this.holding.ready.values(), this.holding.booting.values(), terms))
      void fleet.end(cell, reason);
    // What no pod can have must not keep from the budget what pods could.
    const unfit = [...this.holding.ready.values()].find(this.#terms.isUnfit);
    if (unfit !== undefined && this.orders.trouble !== undefined)
      void fleet.end(unfit, 'no pod of its pool can have it');
  }

  /** Why no pod that the pool is sized for can have a cell. */
  unfitness(cell: Cell): string | undefined {
    const size = this.#pool.spec.shape ?? this.#seen;
    const { spec } = this.#pool;
    return unfitness(cell, { spec, size, cellClass: this.#choice?.cellClass, shareOf: this.#shareOf });
  }

  /** Looks which cells pods can have: those that come are ended where they can not, those that wait are replaced first. */
  #judge(): void {
    const { fleet, mayAct, onJudged } = this.#options;
    if (!mayAct()) return;
    for (const cell of this.holding.booting.values()) {
      const why = this.unfitness(cell);
      if (why !== undefined) void fleet.end(cell, why);
    }
    const before = new Set(this.#unfit);
    this.#unfit.clear();
    for (const cell of this.holding.ready.values()) {
      const isUnfit = this.unfitness(cell) !== undefined;
      if (isUnfit) this.#unfit.add(cell);
      if (isUnfit !== before.has(cell)) onJudged(cell);
    }
  }

  /** One that has lived half of what its class lets it, so that a pod has the other half, or whose kubelet is not heard of. */
  readonly #isWorn = (cell: Cell): boolean => {
    const nowMs = this.#options.clock.now();
    return this.lived(cell) >= 0.5 || nowMs - (cell.lastSeenMs ?? nowMs) > SILENT_MS;
  };

  /** The share of the life that its class lets it have that is behind a cell. */
  lived({ machine }: Cell): number {
    const nowMs = this.#options.clock.now();
    return (
      (nowMs - (machine?.createdAtMs ?? nowMs)) / (this.#choice?.cellClass.spec.expireAfter ?? Number.POSITIVE_INFINITY)
    );
  }

  readonly #terms = { isWorn: this.#isWorn, isUnfit: (cell: Cell) => this.#unfit.has(cell) };

  /** Price of a cell that waits, an hour, in dollars. */
  get pricePerCellUsd(): number {
    const [first] = this.holding.ready.values();
    return this.#choice?.offering.pricePerHourUsd ?? (first === undefined ? 0 : priceOf(first));
  }
}
