import type { Cell } from '../cells/cell.ts';
import { isServed, isWarm } from '../cells/cell.ts';
import { isReserve } from '../core/cell.ts';
import { isNodelessError, messageOf } from '../core/errors.ts';
import { parseWarmPool, type WarmPool } from '../core/warm-pool.ts';
import type { Collection } from '../kube/collection.ts';
import type { KubeObject } from '../kube/objects.ts';
import { learnFromStart } from '../pods/learning.ts';
import { isKeptBy, type KeepingNode, zoneOf } from './eligibility.ts';
import { Holding } from './holding.ts';
import { KeptPool, type KeptPoolOptions } from './kept-pool.ts';
import { readMemory } from './memory.ts';
import { Stock } from './stock.ts';

export interface KeeperOptions extends Omit<KeptPoolOptions, 'signal' | 'onJudged'> {
  readonly pools: Pick<Collection<KubeObject>, 'items' | 'synced' | 'whenSynced' | 'subscribe'>;
  readonly node: KeepingNode;
  /** Whether what is required on a cell beside its kubelet is there. */
  readonly isComplete: (cell: Cell) => boolean;
}

/** A pool whose object can not be read. */
export interface UnreadPool {
  readonly name: string;
  readonly uid: string;
  readonly reason: string;
  /** Whether it would be this virtual node's. */
  readonly isOurs: boolean;
  /** Its cells, where it has not been kept by this process before: they stay as they are. */
  readonly holding: Holding;
}

const TICK_MS = 1_000;
/** All pools together learn from the past for so long in a tick. */
const LEARN_MS = 25;
/** Pods that come within this time came at once. */
const AT_ONCE_MS = 100;

/** Keeps the pools of a virtual node: one tick for all of them, and whatever a change of a cell or a pool asks for at once. */
export class PoolKeeper {
  readonly stock = new Stock();
  readonly #options: KeeperOptions;
  readonly #byUid = new Map<string, KeptPool>();
  readonly #signal: AbortSignal;
  readonly #unread = new Map<string, UnreadPool>();
  /** Of the pools as they were read last. */
  readonly #generations = new Map<string, unknown>();
  #isKnown = false;
  #telling = false;

  constructor(options: KeeperOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  pools(): IterableIterator<KeptPool> {
    return this.#byUid.values();
  }

  pool(uid: string): KeptPool | undefined {
    return this.#byUid.get(uid);
  }

  /** Why the object of a pool is not valid. */
  invalidity(uid: string): string | undefined {
    return this.#unread.get(uid)?.reason;
  }

  /** The pools of this virtual node that could not be read since it leads. */
  *neverRead(): IterableIterator<UnreadPool> {
    for (const unread of this.#unread.values()) if (unread.isOurs && !this.#byUid.has(unread.uid)) yield unread;
  }

  /** Keeps pools until the signal aborts; begins with what the book has, at once where the pools are known. */
  async run(): Promise<void> {
    const { pools, book, clock } = this.#options;
    const endCells = book.onChange((cell) => this.#placed(cell));
    const endPools = pools.subscribe(({ type, object }) => this.#isKnown && this.#changed(type === 'DELETED', object));
    this.#signal.addEventListener('abort', () => [endCells(), endPools()], { once: true });
    if (!pools.synced) await Promise.race([pools.whenSynced, aborted(this.#signal)]);
    if (this.#signal.aborted) return;
    for (const object of pools.items()) this.#read(object);
    this.#isKnown = true;
    for (const cell of book.cells()) this.#placed(cell);
    while (!this.#signal.aborted) {
      await this.#tick();
      await clock.sleep(TICK_MS, this.#signal).catch(() => undefined);
    }
  }

  /** Pods have come to some pools: told together, since those that come at once are one arrival. */
  tellArrivals(): void {
    if (this.#telling) return;
    this.#telling = true;
    const tell = async () => {
      await this.#options.clock.sleep(AT_ONCE_MS, this.#signal);
      this.#telling = false;
      for (const { demand } of this.pools()) demand.tellArrivals(this.#options.clock.now());
      await this.#tick();
    };
    void tell().catch(() => undefined);
  }

  async #tick(): Promise<void> {
    // Pods must not wait for what pools learn.
    const untilMs = performance.now() + LEARN_MS;
    for (const { demand } of this.pools()) demand.learn(this.#options.clock.now(), () => performance.now() < untilMs);
    for (const kept of this.pools()) {
      if (this.#signal.aborted) return;
      // Agents that are required there may have gone.
      for (const cell of kept.holding.booting.values()) this.#placed(cell);
      try {
        await kept.tick();
      } catch (error) {
        const { logger } = this.#options;
        if (!this.#signal.aborted)
          logger.error({ pool: kept.pool.name, reason: messageOf(error) }, 'a pool is not kept');
      }
    }
  }

  #changed(isGone: boolean, object: KubeObject): void {
    const { uid = '' } = object.metadata;
    if (!isGone) {
      this.#read(object);
      void this.#byUid
        .get(uid)
        ?.tick()
        .catch(() => undefined);
      return;
    }
    this.#generations.delete(uid);
    this.#drop(uid);
    this.#forgetUnread(uid);
  }

  #drop(uid: string): void {
    const kept = this.#byUid.get(uid);
    this.#byUid.delete(uid);
    kept?.dissolve();
  }

  #read(object: KubeObject): void {
    const { uid = '', generation } = object.metadata;
    // Its status has changed, which is our own word.
    if (generation !== undefined && this.#generations.get(uid) === generation) return;
    this.#generations.set(uid, generation);
    const { node, logger } = this.#options;
    try {
      const pool = parseWarmPool(object);
      const known = this.#byUid.get(uid);
      if (!isKeptBy(pool, node)) this.#drop(uid);
      else if (known !== undefined) known.edit(pool);
      else this.#byUid.set(uid, this.#kept(pool, object));
      this.#forgetUnread(uid);
    } catch (error) {
      if (!isNodelessError(error)) throw error;
      // It is kept as it was.
      const { name } = object.metadata;
      logger.warn({ pool: name, reason: error.message }, 'a WarmPool is not valid');
      const holding = this.#unread.get(uid)?.holding ?? new Holding();
      const isOurs = isKeptBy({ spec: { zone: zoneOf(object) } }, node);
      this.#unread.set(uid, { name, uid, reason: error.message, isOurs, holding });
    }
  }

  #kept(pool: WarmPool, { status }: KubeObject): KeptPool {
    const onJudged = (cell: Cell) => this.#placed(cell);
    const { memory } = (status ?? {}) as { readonly memory?: unknown };
    const known = readMemory(memory, this.#options.clock.now());
    return new KeptPool(pool, { ...this.#options, signal: this.#signal, onJudged }, known);
  }

  /** What held its cells does so no more: they are its pool's, or nobody's. */
  #forgetUnread(uid: string): void {
    const unread = this.#unread.get(uid);
    this.#unread.delete(uid);
    for (const cellId of unread?.holding.cellIds() ?? []) {
      const cell = this.#options.book.get(cellId);
      if (cell !== undefined) this.#placed(cell);
    }
  }

  /** A cell has changed: it counts to its pool as what it is now. */
  #placed(cell: Cell): void {
    const { book, fleet } = this.#options;
    if (cell.pool === undefined || isReserve(cell.pool) || !this.#isKnown) return;
    const isThere = book.get(cell.cellId) === cell;
    const kept = this.#byUid.get(cell.pool.uid);
    const unread = this.#unread.get(cell.pool.uid);
    (kept ?? unread)?.holding.place(cell, isThere);
    // A pod may have been given it while it booted.
    if (isThere && !isWarm(cell) && cell.enteredMs.ready !== undefined && kept?.orders.isAwaited(cell) === true)
      kept.orders.came(cell);
    if (!isThere) kept?.orders.forget(cell);
    kept?.tiers.seen(cell, isThere);
    const waits = isThere && isWarm(cell) && cell.phase === 'ready';
    if (waits && cell.kubeletReady && kept?.unfitness(cell) === undefined && kept !== undefined) this.stock.add(cell);
    else this.stock.remove(cell.cellId);
    if (!isThere || !isWarm(cell) || cell.phase === 'ending' || cell.phase === 'ended') return;
    if (kept === undefined && unread === undefined) void fleet.end(cell, 'its pool is gone');
    else if (!isServed(cell) && cell.phase !== 'stopped') void fleet.end(cell, cell.reason ?? 'its machine ended');
    else if (waits && !cell.kubeletReady) void fleet.end(cell, 'its kubelet is not Ready any more');
    else if (cell.phase === 'booting' && cell.kubeletReady && this.#options.isComplete(cell))
      if (kept !== undefined) this.#ready(cell, kept);
  }

  #ready(cell: Cell, kept: KeptPool): void {
    const { book, placement } = this.#options;
    learnFromStart(placement.experience, cell);
    const why = kept.unfitness(cell);
    if (why !== undefined) {
      kept.orders.cameUnfit(cell, kept.pool, why);
      return;
    }
    kept.orders.came(cell);
    book.enter(cell, 'ready');
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
