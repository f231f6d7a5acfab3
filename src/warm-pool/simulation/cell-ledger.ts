import { billedMs, runningUsd, stoppedUsd } from './bill.ts';
import type { Prices } from './world.ts';

/** What every cell of a run has cost beyond its pod's running time, by the hour in which that was settled. */
export class CellLedger {
  readonly #prices: Prices;
  readonly #shutdownMs: number;
  /** When the present start of a cell began to be billed; of a stopped cell, when it was stopped. */
  readonly #sinceMs: number[] = [];
  /** What a cell has cost before its present start. */
  readonly #earlierUsd = new Map<number, number>();
  readonly overheadUsdByHour: Float64Array;

  constructor(prices: Prices, shutdownMs: number, hours: number) {
    this.#prices = prices;
    this.#shutdownMs = shutdownMs;
    this.overheadUsdByHour = new Float64Array(hours);
  }

  /** How many cells there have been. */
  get cells(): number {
    return this.#sinceMs.length;
  }

  /** A new cell that is billed from then on; its number. */
  open(runningAtMs: number): number {
    this.#sinceMs.push(runningAtMs);
    return this.#sinceMs.length - 1;
  }

  /** Whether ending the cell now wastes nothing of its minimum. */
  isPastMinimum(cell: number, nowMs: number): boolean {
    return nowMs + this.#shutdownMs - this.#sinceOf(cell) >= this.#prices.minimumMs;
  }

  /** The cell is shut down from now on, and costs its disk once it is. */
  stop(cell: number, nowMs: number): void {
    const ms = billedMs(this.#sinceOf(cell), nowMs + this.#shutdownMs, this.#prices.minimumMs);
    this.#carry(cell, runningUsd(ms, this.#prices));
    this.#sinceMs[cell] = nowMs + this.#shutdownMs;
  }

  /** A stopped cell is started, and billed from now on. */
  resume(cell: number, nowMs: number): void {
    this.#carry(cell, stoppedUsd(nowMs - this.#sinceOf(cell), this.#prices));
    this.#sinceMs[cell] = nowMs;
  }

  /** A pod's containers run on the cell for so long from then on; then it is shut down. */
  closeWithPod(cell: number, startedAtMs: number, durationMs: number): void {
    const ms = billedMs(this.#sinceOf(cell), startedAtMs + durationMs + this.#shutdownMs, this.#prices.minimumMs);
    this.#settle(cell, startedAtMs, runningUsd(ms - durationMs, this.#prices));
  }

  /** A running cell is shut down without ever having had a pod. */
  closeUnused(cell: number, nowMs: number): void {
    const since = this.#sinceOf(cell);
    // One that does not run yet is called off, and only what is billed is paid.
    const ms = nowMs <= since ? 0 : billedMs(since, nowMs + this.#shutdownMs, this.#prices.minimumMs);
    this.#settle(cell, nowMs, runningUsd(ms, this.#prices));
  }

  /** A stopped cell is given up. */
  closeStopped(cell: number, nowMs: number): void {
    this.#settle(cell, nowMs, stoppedUsd(Math.max(0, nowMs - this.#sinceOf(cell)), this.#prices));
  }

  #sinceOf(cell: number): number {
    return this.#sinceMs[cell] as number;
  }

  #carry(cell: number, usd: number): void {
    this.#earlierUsd.set(cell, (this.#earlierUsd.get(cell) ?? 0) + usd);
  }

  #settle(cell: number, atMs: number, usd: number): void {
    const hour = Math.min(this.overheadUsdByHour.length - 1, Math.floor(atMs / 3_600_000));
    const earlierUsd = this.#earlierUsd.get(cell) ?? 0;
    this.#earlierUsd.delete(cell);
    this.overheadUsdByHour[hour] = (this.overheadUsdByHour[hour] as number) + usd + earlierUsd;
  }
}
