import { type Cell, isServed, isWarm } from '../cells/cell.ts';
import type { CellMachine } from '../core/cell.ts';

/** The cells of one pool, by what they are to it. */
export class Holding {
  /** On their way, in the order in which they were ordered. */
  readonly booting = new Map<string, Cell>();
  /** Those that wait for a pod, the longest first. */
  readonly ready = new Map<string, Cell>();
  /** Those whose machines are stopped, or are being stopped, the longest first. */
  readonly stopped = new Map<string, Cell>();
  /** Those that have a pod. */
  readonly claimed = new Set<string>();

  /** Of those on their way, how many were stopped before. */
  get resuming(): number {
    return [...this.booting.values()].filter(wasStopped).length;
  }

  /** Cells that wait or will, and whose machines run. */
  get position(): number {
    return this.booting.size + this.ready.size;
  }

  /** A cell has changed; `isThere` is false for one that has left the book. */
  place(cell: Cell, isThere: boolean): void {
    const { cellId, phase } = cell;
    const counts = isThere && isServed(cell);
    move(this.booting, cell, counts && isWarm(cell) && phase !== 'ready');
    move(this.ready, cell, counts && isWarm(cell) && phase === 'ready');
    move(this.stopped, cell, isThere && isWarm(cell) && phase === 'stopped');
    if (counts && !isWarm(cell)) this.claimed.add(cellId);
    else this.claimed.delete(cellId);
  }

  /** All of them. */
  cellIds(): readonly string[] {
    return [...this.booting.keys(), ...this.ready.keys(), ...this.stopped.keys(), ...this.claimed];
  }

  /** A machine of it, of whichever cell. */
  get oneMachine(): CellMachine | undefined {
    for (const { machine } of [...this.ready.values(), ...this.booting.values(), ...this.stopped.values()])
      if (machine !== undefined) return machine;
    return undefined;
  }

  /** What the cells that wait, or will, cost an hour, in dollars. */
  get pricePerHourUsd(): number {
    return [...this.booting.values(), ...this.ready.values()].reduce((sum, cell) => sum + priceOf(cell), 0);
  }
}

/** Whether a cell's machine has been stopped in its life, as far as this process knows. */
export function wasStopped({ enteredMs }: Cell): boolean {
  return enteredMs.stopped !== undefined;
}

/** What a cell costs an hour; 0 while that is not known. */
export function priceOf({ machine, offering }: Cell): number {
  return machine?.pricePerHourUsd ?? offering?.pricePerHourUsd ?? 0;
}

function move(cells: Map<string, Cell>, cell: Cell, belongs: boolean): void {
  if (!belongs) cells.delete(cell.cellId);
  else if (!cells.has(cell.cellId)) cells.set(cell.cellId, cell);
}
