import type { Book } from '../cells/book.ts';
import { type Cell, isServed, isWarm } from '../cells/cell.ts';
import type { Fleet } from '../cells/fleet.ts';
import type { Clock } from '../core/clock.ts';
import { covers } from '../core/resources.ts';
import type { CollectionReader } from '../kube/collection.ts';
import { podName, type WirePod } from '../kube/wire-pod.ts';
import { standingOf } from '../pods/room.ts';
import type { Wanted, WarmCells } from '../pods/warm-cells.ts';
import { yieldedCells } from '../pods/yielded-cells.ts';
import { isFor } from './eligibility.ts';
import { priceOf } from './holding.ts';
import type { PoolKeeper } from './keeper.ts';
import type { KeptPool } from './kept-pool.ts';
import type { StartKind } from './start-record.ts';

export interface ClaimsOptions {
  readonly book: Book;
  readonly fleet: Pick<Fleet, 'end'>;
  readonly keeper: PoolKeeper;
  readonly pods: Pick<CollectionReader<WirePod>, 'subscribe'>;
  readonly clock: Clock;
  /** False where the provider can not give machines to pods. */
  readonly canClaim: boolean;
  readonly onStarted?: (pool: string, kind: StartKind, ms: number) => void;
}

/** A pod that has come to a pool and has not started yet. */
interface Comer {
  readonly poolUid: string;
  readonly createdMs: number;
  kind: StartKind;
}

/** Two periods of a kubelet's lease, and some: what is silent for longer may be dead. */
const HEARD_MS = 25_000;
/** A cell that takes this many times as long as others take is not waited for. */
const LATE_TIMES = 2;

/** Of the life that a class lets a cell have, the last quarter is too little for a pod. */
const MOST_LIVED = 0.75;

/** `creationTimestamp` has whole seconds: what was seen within one was made when it was seen. */
function createdMsOf({ metadata }: WirePod, seenMs: number): number {
  const stampMs = Date.parse(String(metadata.creationTimestamp ?? ''));
  return Number.isNaN(stampMs) ? seenMs : Math.min(seenMs, stampMs + 999);
}

/** Whether all containers of a pod have started at least once. */
function haveStarted({ spec, status }: WirePod): boolean {
  const told = status?.containerStatuses ?? [];
  const started = told.filter(({ state, lastState, started: isUp }) => {
    return isUp === true || state?.running !== undefined || state?.terminated !== undefined || lastState?.terminated;
  });
  return started.length >= spec.containers.length;
}

/** Gives cells of pools to pods, and counts to each pool the pods that it is for, and how soon they start. */
export class Claims implements WarmCells {
  readonly #options: ClaimsOptions;
  readonly #comers = new Map<string, Comer>();
  /** Pods that have been counted, until they are gone. */
  readonly #counted = new Set<string>();
  /** Pods that have been given a cell: who comes again had no luck with it, and gets a new one. */
  readonly #served = new Set<string>();
  /** Cells that were given up for the budget that a pod waits for. */
  readonly #yielded = new Map<string, readonly Cell[]>();

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /** Watches pods start until the returned function is called. */
  start(): () => void {
    return this.#options.pods.subscribe(({ type, object }) => {
      const { uid = '' } = object.metadata;
      const comer = this.#comers.get(uid);
      if (comer !== undefined && type !== 'DELETED' && haveStarted(object)) this.#started(uid, comer);
    });
  }

  isFor(pod: WirePod): boolean {
    for (const { pool } of this.#options.keeper.pools()) if (isFor(pool, pod)) return true;
    return false;
  }

  take(pod: WirePod, wanted: Wanted): Cell | undefined {
    const pools = new Map<string, KeptPool>();
    for (const kept of this.#options.keeper.pools()) if (isFor(kept.pool, pod)) pools.set(kept.pool.uid, kept);
    const { uid = '' } = pod.metadata;
    this.#count(pod, uid, pools, wanted);
    const mayHave = this.#options.canClaim && !this.#served.has(uid);
    const cell = mayHave
      ? (this.#waiting(pools, wanted) ?? this.#booting(pools, wanted) ?? this.#stopped(pools, wanted))
      : undefined;
    const comer = this.#comers.get(uid);
    if (comer !== undefined) comer.kind = kindOf(cell);
    if (cell === undefined) return undefined;
    this.#served.add(uid);
    this.#options.book.claim(cell, { uid, pod: podName(pod) });
    const kept = pools.get(cell.pool?.uid ?? '');
    if (cell.phase === 'stopped') kept?.tiers.resume(cell);
    kept?.refill();
    return cell;
  }

  giveBack(cell: Cell): void {
    this.#served.delete(cell.podUid);
    this.#options.book.unclaim(cell);
  }

  forget(podUid: string): void {
    const comer = this.#comers.get(podUid);
    if (comer !== undefined) this.#gone(comer);
    this.#comers.delete(podUid);
    this.#counted.delete(podUid);
    this.#served.delete(podUid);
    this.#yielded.delete(podUid);
  }

  async yieldBudget(
    podUid: string,
    className: string,
    isEnough: (cellIds: readonly string[]) => Promise<boolean>,
  ): Promise<void> {
    const { book, keeper, fleet } = this.#options;
    const isThere = (cell: Cell) => book.get(cell.cellId) === cell;
    if (this.#yielded.get(podUid)?.some(isThere)) return;
    const idle = [...keeper.pools()]
      .flatMap(({ holding }) => [...holding.booting.values(), ...holding.ready.values()])
      .filter((cell) => standingOf(cell).className === className)
      .sort((a, b) => priceOf(b) - priceOf(a));
    const cells = await yieldedCells(idle, (some) => isEnough(some.map(({ cellId }) => cellId)));
    // A pod may have come to one of them meanwhile.
    const yielded = cells.filter((cell) => isThere(cell) && isWarm(cell) && isServed(cell));
    this.#yielded.set(podUid, yielded);
    for (const cell of yielded) void fleet.end(cell, `pods wait for the budget of CellClass ${className}`);
  }

  /** Of several pools that could serve a pod its demand counts to one, so that they share and do not double it. */
  #count(pod: WirePod, uid: string, pools: ReadonlyMap<string, KeptPool>, { need, mayBeOn }: Wanted): void {
    if (this.#counted.has(uid)) return;
    // What a pool would order next is what more demand brings.
    const fitting = [...pools.values()].filter(({ pool, choice }) => {
      const mayHave = choice === undefined || mayBeOn({ className: choice.cellClass.name, machine: choice.offering });
      return mayHave && (pool.spec.shape === undefined || covers(pool.spec.shape, need));
    });
    const [home] = fitting.sort(
      (a, b) => a.pricePerCellUsd - b.pricePerCellUsd || (a.pool.name < b.pool.name ? -1 : 1),
    );
    if (home === undefined) return;
    this.#counted.add(uid);
    const createdMs = createdMsOf(pod, this.#options.clock.now());
    this.#comers.set(uid, { poolUid: home.pool.uid, createdMs, kind: 'cold' });
    home.came(need);
    this.#options.keeper.tellArrivals();
  }

  #waiting(pools: ReadonlyMap<string, KeptPool>, { mayBeOn, hasRoomOn }: Wanted): Cell | undefined {
    const { stock } = this.#options.keeper;
    const nowMs = this.#options.clock.now();
    return stock.cheapest(
      (uid) => pools.has(uid),
      (cell) => hasRoomOn(cell) && mayBeOn(standingOf(cell)),
      (cell) => {
        const kept = pools.get(cell.pool?.uid ?? '');
        const isHeard = nowMs - (cell.lastSeenMs ?? nowMs) <= HEARD_MS;
        return isHeard && kept?.unfitness(cell) === undefined && (kept?.lived(cell) ?? 0) < MOST_LIVED;
      },
    );
  }

  /** What boots already gets ready before what is ordered now: the first of those that were ordered, unless it is late. */
  #booting(pools: ReadonlyMap<string, KeptPool>, { mayBeOn, hasRoomOn }: Wanted): Cell | undefined {
    const nowMs = this.#options.clock.now();
    for (const kept of pools.values()) {
      const { holding, demand } = kept;
      const lateMs = LATE_TIMES * (demand.starts?.lead.quantileMs(0.95) ?? Number.POSITIVE_INFINITY);
      for (const cell of holding.booting.values()) {
        if (cell.phase !== 'booting' || cell.machine === undefined || kept.unfitness(cell) !== undefined) continue;
        const sinceMs = cell.enteredMs.requested ?? cell.machine.createdAtMs;
        if (nowMs - sinceMs > lateMs) continue;
        if (hasRoomOn(cell) && mayBeOn(standingOf(cell))) return cell;
        break;
      }
    }
    return undefined;
  }

  /** What is stopped already is ready before what is ordered now: the one that was stopped first. */
  #stopped(pools: ReadonlyMap<string, KeptPool>, { mayBeOn, hasRoomOn }: Wanted): Cell | undefined {
    for (const kept of pools.values()) {
      for (const cell of kept.holding.stopped.values()) {
        if (kept.unfitness(cell) !== undefined || kept.lived(cell) >= MOST_LIVED) continue;
        if (hasRoomOn(cell) && mayBeOn(standingOf(cell))) return cell;
        break;
      }
    }
    return undefined;
  }

  #gone({ poolUid, createdMs, kind }: Comer): void {
    this.#options.keeper.pool(poolUid)?.gone(kind, Math.max(0, this.#options.clock.now() - createdMs));
  }

  #started(uid: string, { poolUid, createdMs, kind }: Comer): void {
    this.#comers.delete(uid);
    const kept = this.#options.keeper.pool(poolUid);
    const ms = Math.max(0, this.#options.clock.now() - createdMs);
    kept?.demand.started(kind, ms, this.#options.clock.now());
    if (kept !== undefined) this.#options.onStarted?.(kept.pool.name, kind, ms);
  }
}

function kindOf(cell: Cell | undefined): StartKind {
  if (cell === undefined) return 'cold';
  if (cell.phase === 'stopped') return 'resumed';
  return cell.phase === 'ready' ? 'warm' : 'booting';
}
