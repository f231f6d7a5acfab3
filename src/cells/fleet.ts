import PQueue from 'p-queue';
import type { Logger } from 'pino';
import type { CellProvider } from '../../providers/contract.ts';
import { createBackoff } from '../core/backoff.ts';
import type { CellBootstrap, CellMachine, CellPhase } from '../core/cell.ts';
import type { CellClass } from '../core/cell-class.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf, NodelessError } from '../core/errors.ts';
import type { Offering } from '../core/offerings.ts';
import type { Book } from './book.ts';
import { type Cell, isNeededByOthers, isServed, isWarm } from './cell.ts';

export interface FleetOptions {
  readonly provider: CellProvider;
  readonly book: Book;
  readonly clusterUid: string;
  readonly bootstrap: CellBootstrap;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Calls to the provider at once, of each kind, unless it bounds them itself. */
  readonly concurrency: number;
  /** False while another process may lead: nothing is launched or ended then. */
  readonly mayAct: () => boolean;
}

/** Why a cell loses a pod. */
export interface Release {
  readonly reason: string;
  readonly podIsGone: boolean;
}

/** What a cell is launched as. */
export interface Order {
  readonly offering: Offering;
  /** What the cloud may give instead. */
  readonly alternatives?: readonly Offering[] | undefined;
  readonly cellClass: CellClass;
  /** Whole names of images that the machine is to have before its kubelet is Ready. */
  readonly images?: readonly string[];
  /** Why it is not worth asking for any more; asked when its turn has come. */
  readonly obstacle?: () => NodelessError | undefined;
}

function isOf(machine: CellMachine, { instanceType, launchType, zone }: Offering): boolean {
  return machine.instanceType === instanceType && machine.launchType === launchType && machine.zone === zone;
}

/** How often it is looked whether the lease is held again. */
const LEASE_LOOK_MS = 500;

/** Launches and ends machines for the cells in the book; the only caller of the provider's launch and terminate. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #launches: PQueue;
  readonly #ends: PQueue;
  readonly #claims: PQueue;
  readonly #launching = new Map<string, { readonly cancel: AbortController; readonly settled: Promise<unknown> }>();
  readonly #ending = new Map<string, Promise<void>>();
  readonly #owning = new Map<string, Promise<void>>();
  readonly #switching = new Map<string, Promise<void>>();
  readonly #losing = new Set<string>();
  #signal: AbortSignal = AbortSignal.abort();

  constructor(options: FleetOptions) {
    this.#options = options;
    const concurrency = options.provider.isSelfBounded === true ? Number.POSITIVE_INFINITY : options.concurrency;
    this.#launches = new PQueue({ concurrency });
    this.#ends = new PQueue({ concurrency });
    this.#claims = new PQueue({ concurrency });
  }

  start(signal: AbortSignal): void {
    this.#signal = signal;
  }

  /**
   * Launches the machine of a cell; resolves with it once the cloud has accepted. Idempotent by the cell's id.
   * @throws what the provider throws; what is in its way when its turn comes; NodelessError Denied when the machine is another pod's; the signal's reason when the cell is ended meanwhile.
   */
  async launch(cell: Cell, order: Order): Promise<CellMachine> {
    const { offering, alternatives = [], cellClass, images = [], obstacle: obstacleNow } = order;
    const { provider, book, clusterUid, bootstrap, mayAct } = this.#options;
    // Of an earlier launch a machine may be there, which only the provider can tell.
    const isFirst = cell.machine === undefined && cell.enteredMs.launching === undefined;
    const cancel = new AbortController();
    const signal = AbortSignal.any([this.#signal, cancel.signal]);
    cell.offering = offering;
    cell.cellClass = cellClass;
    book.enter(cell, 'launching');
    const { cellId, pod, podUid, purpose, pool } = cell;
    const more = { ...(purpose === undefined ? {} : { purpose }), ...(pool === undefined ? {} : { pool }) };
    const tags = {
      clusterUid,
      virtualNode: bootstrap.nodeName,
      cellId,
      pod,
      podUid,
      cellClass: cellClass.name,
      ...more,
    };
    const launch = this.#launches.add(async () => {
      await this.#untilAllowed(signal);
      const obstacle = isFirst ? obstacleNow?.() : undefined;
      if (obstacle !== undefined) throw obstacle;
      return provider.launch({ tags, offering, alternatives, cellClass, bootstrap, images, mayAct }, signal);
    });
    this.#launching.set(cellId, { cancel, settled: launch.catch(() => undefined) });
    try {
      const machine = await launch;
      if (machine.tags.podUid !== podUid) {
        const message = `cell ${cellId} is the machine of pod ${machine.tags.pod}`;
        throw new NodelessError({ code: 'Denied', message, identity: { cell: cellId, pod } });
      }
      if (cell.phase === 'launching') {
        // What is learned of it is about what was given.
        cell.offering = [offering, ...alternatives].find((one) => isOf(machine, one)) ?? offering;
        book.seen(cell, machine);
        book.enter(cell, 'booting');
      }
      return machine;
    } finally {
      this.#launching.delete(cellId);
    }
  }

  /** Whether the provider can give machines that wait in pools to pods. */
  get canClaim(): boolean {
    return this.#options.provider.claim !== undefined;
  }

  /** Whether machines pull images before their kubelets start. */
  get pullsImages(): boolean {
    return this.#options.provider.pullsImages === true;
  }

  /** Whether machines can be stopped, and started again. */
  get canStop(): boolean {
    const { stopMachine, startMachine } = this.#options.provider;
    return stopMachine !== undefined && startMachine !== undefined;
  }

  /** Stops the machine of a cell that waits in a pool; one that can not be stopped ends. */
  stop(cell: Cell): Promise<void> {
    const { provider, book } = this.#options;
    book.halt(cell);
    return this.#switch(cell, 'stopped', (signal) => provider.stopMachine?.(cell.cellId, signal));
  }

  /** Starts the machine of a stopped cell, as soon as it has stopped; it boots from now on, and is lost where it can not be started. */
  resume(cell: Cell): Promise<void> {
    const { provider, book } = this.#options;
    book.enter(cell, 'booting');
    return this.#switch(cell, 'booting', (signal) => provider.startMachine?.(cell.cellId, signal));
  }

  /** One change of a machine after the other; who fails while it is still wanted loses the cell. */
  async #switch(
    cell: Cell,
    phase: CellPhase,
    change: (signal: AbortSignal) => Promise<CellMachine> | undefined,
  ): Promise<void> {
    const { book, logger } = this.#options;
    const { cellId } = cell;
    const before = this.#switching.get(cellId) ?? Promise.resolve();
    const perform = async () => {
      await before;
      await this.#untilAllowed(this.#signal);
      // What it is to be next comes after this all the same: what its kubelet has told is forgotten by now.
      if (book.get(cellId) !== cell || (cell.phase !== 'stopped' && !isServed(cell))) return;
      const machine = await change(this.#signal);
      // Whose it is may be written there meanwhile, by a call that is answered before this one.
      if (machine !== undefined) book.seen(cell, { ...machine, tags: cell.machine?.tags ?? machine.tags });
    };
    const effort = perform().catch((error) => {
      if (this.#signal.aborted || cell.phase !== phase) return;
      logger.warn({ cell: cellId, reason: messageOf(error) }, 'a machine could not be stopped or started');
      book.enter(cell, 'lost', messageOf(error));
    });
    this.#switching.set(cellId, effort);
    await effort;
    if (this.#switching.get(cellId) === effort) this.#switching.delete(cellId);
  }

  /** Whether it is being written on a cell's machine whose it is. */
  isOwning({ cellId }: Cell): boolean {
    return this.#owning.has(cellId);
  }

  /** Writes on a claimed cell's machine whose it is; repeated calls share one effort. @throws what the provider throws */
  own(cell: Cell): Promise<void> {
    const { cellId } = cell;
    const effort = this.#owning.get(cellId) ?? this.#claims.add(() => this.#own(cell));
    this.#owning.set(cellId, effort);
    return effort.finally(() => this.#owning.delete(cellId));
  }

  async #own(cell: Cell): Promise<void> {
    const { provider, book } = this.#options;
    const { cellId, pod, podUid } = cell;
    await this.#untilAllowed(this.#signal);
    const machine = await provider.claim?.(cellId, { pod, podUid }, this.#signal);
    if (machine !== undefined && cell.podUid === podUid) book.seen(cell, machine);
  }

  /**
   * A pod needs its cell no more: the cell ends, unless others need it, or it is the node cell. Then a pod that is there
   * still keeps its place.
   */
  release(cell: Cell, podUid: string, { reason, podIsGone }: Release): void {
    const { book } = this.#options;
    const lingers = cell.purpose !== undefined && isServed(cell);
    if (!lingers && !isNeededByOthers(cell, podUid)) void this.end(cell, reason);
    else if (podIsGone) book.leave(cell, podUid);
    else book.retire(cell, podUid);
  }

  /**
   * Ends a cell: cancels its launch, then asks the cloud until it confirms, then removes it from the book.
   * Resolves then, or when the process stops; repeated calls share one effort.
   */
  end(cell: Cell, reason: string): Promise<void> {
    const underWay = this.#ending.get(cell.cellId);
    if (underWay !== undefined) return underWay;
    const { book, logger } = this.#options;
    logger.info({ cell: cell.cellId, pod: cell.pod, reason }, 'cell ends');
    if (cell.phase !== 'lost') book.enter(cell, 'ending', reason);
    const launch = this.#launching.get(cell.cellId);
    launch?.cancel.abort(new Error(`the cell is ended: ${reason}`));
    // A launch that is already with the cloud must have settled, or its machine comes after the end was confirmed.
    const effort = Promise.resolve(launch?.settled)
      .then(() => this.endMachine(cell.cellId))
      .then((confirmed) => {
        if (!confirmed) return;
        if (cell.phase !== 'lost') book.enter(cell, 'ended');
        book.remove(cell);
      })
      .finally(() => this.#ending.delete(cell.cellId));
    this.#ending.set(cell.cellId, effort);
    return effort;
  }

  /**
   * Ends the machine of a cell whose pod may still count on it, and only then tells that it is lost: the cloud's word
   * precedes the pod's failure.
   */
  async lose(cell: Cell, reason: string): Promise<void> {
    // No pod counts on one that waits for some.
    if (isWarm(cell)) return this.end(cell, reason);
    if (this.#losing.has(cell.cellId)) return;
    this.#losing.add(cell.cellId);
    this.#options.logger.warn({ cell: cell.cellId, pod: cell.pod, reason }, 'cell is given up');
    if (await this.endMachine(cell.cellId)) this.#options.book.enter(cell, 'lost', reason);
    this.#losing.delete(cell.cellId);
  }

  /** Ends the machine of a cell id, in the book or not. Resolves true once the cloud has confirmed, false when the process stops first. */
  async endMachine(cellId: string): Promise<boolean> {
    const { provider, clock, logger } = this.#options;
    const backoff = createBackoff(500, 30_000);
    while (!this.#signal.aborted) {
      try {
        await this.#ends.add(async () => {
          await this.#untilAllowed(this.#signal);
          await provider.terminate(cellId, this.#signal);
        });
        return true;
      } catch (error) {
        if (this.#signal.aborted) return false;
        logger.warn(
          { cell: cellId, reason: messageOf(error) },
          'the end of a cell is not confirmed; it is tried again',
        );
        await clock.sleep(backoff.next(), this.#signal).catch(() => undefined);
      }
    }
    return false;
  }

  async #untilAllowed(signal: AbortSignal): Promise<void> {
    const { clock, mayAct } = this.#options;
    signal.throwIfAborted();
    while (!mayAct()) await clock.sleep(LEASE_LOOK_MS, signal);
  }
}
