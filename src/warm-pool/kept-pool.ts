import type { Cell } from '../cells/cell.ts';
import type { Resources } from '../core/resources.ts';
import type { WarmPool } from '../core/warm-pool.ts';
import type { Choice } from '../placement/placement.ts';
import { Demand } from './demand.ts';
import { Holding, priceOf } from './holding.ts';
import type { PoolMemory } from './memory.ts';
import { Offer } from './offer.ts';
import { Orders, type OrdersOptions, type Trouble } from './orders.ts';
import type { TierTargets } from './policy/tier-moves.ts';
import type { StartKind } from './start-record.ts';
import { replacements, surplus } from './surplus.ts';
import { Tiers } from './tiers.ts';

export interface KeptPoolOptions extends Omit<OrdersOptions, 'onCame'> {
  /** False where the provider can not give machines to pods: then none are to wait. */
  readonly canClaim: boolean;
  /** Whether the provider can stop machines and start them again. */
  readonly canStop: boolean;
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
/** A pod has the other half of its cell's life. */
const WORN = 0.5;

/** One pool, kept by the process that leads: its cells, how many there should be, and what came of it. */
export class KeptPool {
  readonly holding = new Holding();
  readonly orders: Orders;
  readonly demand: Demand;
  readonly tiers: Tiers;
  readonly #options: KeptPoolOptions;
  readonly #offer: Offer;
  #pool: WarmPool;
  #inherited: { readonly cells: number; readonly stopped: number; readonly untilMs: number } | undefined;
  /** The cells that wait and that no pod of the pool can have, as they were judged last. */
  readonly #unfit = new Set<Cell>();
  #lookedMs = Number.NEGATIVE_INFINITY;

  /** @param memory what was learned of it before */
  constructor(pool: WarmPool, options: KeptPoolOptions, memory?: PoolMemory) {
    const { signal, clock } = options;
    const { sitting } = options.placement;
    this.#pool = pool;
    this.#options = options;
    this.demand = new Demand(pool.spec, clock.now(), memory);
    this.orders = new Orders({ ...options, onCame: (ms) => this.demand.record.ordered(ms) });
    this.tiers = new Tiers({
      ...{ fleet: options.fleet, holding: this.holding, clock },
      onBack: (ms) => this.demand.record.resumed(ms),
      isUnfit: (cell) => this.unfitness(cell) !== undefined || this.lived(cell) >= WORN,
    });
    this.#offer = new Offer({ sitting, signal, orders: this.orders, oneMachine: () => this.holding.oneMachine });
  }

  get pool(): WarmPool {
    return this.#pool;
  }

  /** What its cells are sized for; undefined where that is to be seen by its first pod. */
  get size(): Resources | undefined {
    return this.#offer.size(this.#pool.spec);
  }

  /** What its cells are launched as; undefined where nothing is offered, or known yet. */
  get choice(): Choice | undefined {
    return this.#offer.choice;
  }

  /** Price of a cell that waits, an hour, in dollars. */
  get pricePerCellUsd(): number {
    const [first] = this.holding.ready.values();
    return this.choice?.offering.pricePerHourUsd ?? (first === undefined ? 0 : priceOf(first));
  }

  /** Why it has fewer cells than it should. */
  get trouble(): Trouble | undefined {
    const { spec } = this.#pool;
    const { min } = this.demand.limits;
    const affordable = this.#offer.affordable(spec);
    const lacks = this.holding.ready.size < this.demand.level.running || this.choice === undefined;
    if (affordable >= min) return lacks ? (this.#budgetTrouble() ?? this.orders.trouble) : undefined;
    const message = `spec.budget.maxPricePerHourUsd of ${spec.budget.maxPricePerHourUsd} is enough for ${affordable} cells, and min is ${min}; raise the budget, or lower min`;
    return { reason: 'BudgetBelowMin', message };
  }

  /** Its object has changed: that counts at once. */
  edit(pool: WarmPool): void {
    this.#pool = pool;
    this.demand.limit(pool.spec, this.#options.clock.now(), LOOK_MS);
    this.#inherited = { cells: 0, stopped: 0, untilMs: 0 };
    this.#lookedMs = Number.NEGATIVE_INFINITY;
    this.#offer.forget();
    this.#judge();
  }

  /** A pod that it is for has come. */
  came(need: Resources): void {
    this.demand.came();
    if (this.#offer.came(this.#pool.spec, need)) this.#lookedMs = Number.NEGATIVE_INFINITY;
  }

  /** A pod that it is for is gone, and had not started after so long. */
  gone(kind: StartKind, ms: number): void {
    // It may have started in time, had it stayed.
    if (ms > this.#pool.spec.startupSla.target) this.demand.missed(kind, ms, this.#options.clock.now());
  }

  /** Looks at everything, and does what follows. */
  async tick(): Promise<void> {
    const { spec } = this.#pool;
    const nowMs = this.#options.clock.now();
    const { position, stopped } = this.holding;
    this.#inherited ??= { cells: position, stopped: stopped.size, untilMs: nowMs + INHERITED_MS };
    // A clock that was set back must not keep it waiting.
    if (nowMs - this.#lookedMs >= LOOK_MS || nowMs < this.#lookedMs) {
      this.#lookedMs = nowMs;
      await this.#look();
    }
    this.#relaunch();
    const { hasStopped } = this;
    this.demand.decide(spec, { affordable: this.#offer.affordable(spec), hasStopped }, nowMs);
    this.refill();
    this.#shrink();
  }

  /** Whether it may have cells whose machines are stopped. */
  get hasStopped(): boolean {
    return this.#options.canStop && this.#pool.spec.tiers.includes('stopped');
  }

  /** Starts what is stopped and orders what is missing, also in the moment of a claim. */
  refill(): void {
    const { size, orders, holding } = this;
    const { mayAct, canClaim } = this.#options;
    if (!canClaim || !mayAct()) return;
    const { resume, order: missing } = this.tiers.moves(this.#targets());
    this.tiers.resumeSome(resume);
    if (size === undefined || !orders.isOpen || this.#budgetTrouble() !== undefined) return;
    if (missing <= 0) orders.settle();
    // One successor at a time comes beyond what the budget pays for. What is stopped may run at any time.
    const affordable = this.#offer.affordable(this.#pool.spec) + 1 - holding.position - holding.stopped.size;
    for (let count = Math.min(missing, affordable, orders.width - holding.booting.size); count > 0; count -= 1)
      orders.order(this.#pool, size);
  }

  /** Ends all that wait, for the pool is gone. */
  dissolve(): void {
    const { fleet } = this.#options;
    const { booting, ready, stopped } = this.holding;
    for (const cell of [...booting.values(), ...ready.values(), ...stopped.values()])
      void fleet.end(cell, 'its pool is gone');
  }

  /** Why no pod that the pool is sized for can have a cell. */
  unfitness(cell: Cell): string | undefined {
    return this.#offer.unfitness(this.#pool.spec, cell);
  }

  /** The share of the life that its class lets it have that is behind a cell. */
  lived(cell: Cell): number {
    return this.#offer.lived(cell, this.#options.clock.now());
  }

  async #look(): Promise<void> {
    const { spec } = this.#pool;
    const nowMs = this.#options.clock.now();
    this.demand.limit(spec, nowMs, LOOK_MS);
    await this.#offer.look(this.#pool);
    if (this.choice !== undefined) this.demand.measure(spec, this.choice.offering.launchType, nowMs);
    this.#judge();
  }

  #targets(): TierTargets {
    const { running, stopped, stoppedAtMost } = this.demand.level;
    const successors = replacements(this.holding.ready.values(), this.#wear);
    const { stopped: before = 0, untilMs = 0 } = this.#inherited ?? {};
    const isInherited = this.hasStopped && this.#options.clock.now() < untilMs;
    const atMost = isInherited ? Math.max(stoppedAtMost, before) : stoppedAtMost;
    return { running: running + successors, stopped, stoppedAtMost: atMost };
  }

  #budgetTrouble(): Trouble | undefined {
    const { name } = this.choice?.cellClass ?? {};
    if (name === undefined || !this.#options.isBudgetAwaited(name)) return undefined;
    const message = `pods wait for the budget of CellClass ${name}, and come first; raise its spec.budgets`;
    return { reason: 'BudgetExceeded', message };
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
    if (!mayAct() || !this.demand.isKnown) return;
    const { level, limits } = this.demand;
    this.tiers.settle(this.tiers.moves(this.#targets()));
    const nowMs = clock.now();
    const { cells = 0, untilMs = 0 } = this.#inherited ?? {};
    const inherited = this.#pool.spec.replicas === 0 && nowMs < untilMs ? cells : 0;
    const atMost = Math.max(level.atMost, Math.min(inherited, limits.max));
    const canReplace = this.orders.trouble === undefined;
    const terms = { running: level.running, atMost, max: limits.max, nowMs, canReplace, ...this.#wear };
    for (const { cell, reason } of surplus(this.holding.ready.values(), this.holding.booting.values(), terms))
      void fleet.end(cell, reason);
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

  /** Which of the cells that wait are replaced: those that are old, or whose kubelet is not heard of, or that no pod can have. */
  readonly #wear = {
    isWorn: (cell: Cell): boolean => {
      const nowMs = this.#options.clock.now();
      return this.lived(cell) >= WORN || nowMs - (cell.lastSeenMs ?? nowMs) > SILENT_MS;
    },
    isUnfit: (cell: Cell): boolean => this.#unfit.has(cell),
  };
}
