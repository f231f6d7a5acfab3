import type { Cell } from '../cells/cell.ts';
import type { Fleet } from '../cells/fleet.ts';
import type { Clock } from '../core/clock.ts';
import { type Holding, wasStopped } from './holding.ts';
import { type TierMoves, type TierTargets, tierMoves } from './policy/tier-moves.ts';

export interface TiersOptions {
  readonly fleet: Pick<Fleet, 'stop' | 'resume' | 'end'>;
  readonly holding: Holding;
  readonly clock: Clock;
  /** A machine that was stopped and started has a kubelet that is Ready again, after so long. */
  readonly onBack: (ms: number) => void;
  /** Whether no pod should have a cell that waits. */
  readonly isUnfit: (cell: Cell) => boolean;
}

/** A kubelet's certificate is good for a week, and is renewed only while it runs. */
const STOPPED_LIFE_MS = 4 * 86_400_000;
/** What was started is billed a minute all the same. */
const BILLED_MS = 60_000;

/** Moves the cells of one pool between the tier whose machines run and the one whose machines are stopped. */
export class Tiers {
  readonly #options: TiersOptions;
  /** Since when cells are on their way back. */
  readonly #resumedMs = new Map<string, number>();

  constructor(options: TiersOptions) {
    this.#options = options;
  }

  /** What is to be done now. */
  moves(targets: TierTargets): TierMoves {
    const { ready, booting, stopped, resuming } = this.#options.holding;
    const stock = { ready: ready.size, booting: booting.size, resuming, stopped: stopped.size };
    return tierMoves({ ...stock, old: [...stopped.values()].filter((cell) => this.#isOld(cell)).length }, targets);
  }

  /** Starts stopped cells, for pods that may come or for one that has. */
  resumeSome(count: number): void {
    const usable = [...this.#options.holding.stopped.values()].filter((cell) => !this.#options.isUnfit(cell));
    for (const cell of usable.slice(0, count)) this.resume(cell);
  }

  resume(cell: Cell): void {
    const { fleet, clock } = this.#options;
    this.#resumedMs.set(cell.cellId, clock.now());
    void fleet.resume(cell);
  }

  /** Stops cells that wait, those that have waited the longest first, and ends stopped ones that are too many or too old. */
  settle({ stop, end }: Pick<TierMoves, 'stop' | 'end'>): void {
    const { fleet, holding } = this.#options;
    for (const cell of [...holding.ready.values()].filter((one) => this.#mayStop(one)).slice(0, stop))
      void fleet.stop(cell);
    const byAge = [...holding.stopped.values()].sort((a, b) => Number(this.#isOld(b)) - Number(this.#isOld(a)));
    for (const cell of byAge.slice(0, end)) void fleet.end(cell, 'the pool needs fewer stopped cells, or it is old');
  }

  /** A cell has changed. */
  seen(cell: Cell, isThere: boolean): void {
    const sinceMs = this.#resumedMs.get(cell.cellId);
    if (sinceMs === undefined) return;
    const isBack = isThere && cell.enteredMs.ready !== undefined && cell.phase !== 'booting';
    if (isBack) this.#options.onBack(Math.max(0, this.#options.clock.now() - sinceMs));
    if (isBack || !isThere) this.#resumedMs.delete(cell.cellId);
  }

  #ageMs({ machine }: Cell): number {
    const nowMs = this.#options.clock.now();
    return nowMs - (machine?.createdAtMs ?? nowMs);
  }

  #isOld(cell: Cell): boolean {
    return this.#ageMs(cell) >= STOPPED_LIFE_MS || this.#options.isUnfit(cell);
  }

  #mayStop(cell: Cell): boolean {
    const heldMs = this.#options.clock.now() - (cell.enteredMs.ready ?? 0);
    return !this.#isOld(cell) && (!wasStopped(cell) || heldMs >= BILLED_MS);
  }
}
