import type { Clock } from '../core/clock.ts';
import type { Book } from './book.ts';
import { type Cell, isNeeded, isServed } from './cell.ts';
import type { Fleet } from './fleet.ts';

export interface IdleOptions {
  readonly book: Book;
  readonly fleet: Fleet;
  readonly clock: Clock;
  /** How long the node cell stays when no pod needs it, with what its disk has. */
  readonly lingerMs: number;
  /** False while another process may lead. */
  readonly mayAct: () => boolean;
}

const TICK_MS = 1_000;

/** Ends the node cell when nothing has needed it for a while. Runs until the signal aborts. */
export async function watchIdle(options: IdleOptions, signal: AbortSignal): Promise<void> {
  const { book, fleet, clock, lingerMs, mayAct } = options;
  const idleSinceMs = new Map<string, number>();

  function look(cell: Cell): void {
    if (isNeeded(cell)) {
      idleSinceMs.delete(cell.cellId);
      return;
    }
    const sinceMs = idleSinceMs.get(cell.cellId) ?? clock.now();
    idleSinceMs.set(cell.cellId, sinceMs);
    if (!isServed(cell) || clock.now() - sinceMs >= lingerMs) void fleet.end(cell, 'nothing needs the node cell');
  }

  while (!signal.aborted) {
    const cells = [...book.cells()].filter(({ purpose, phase }) => purpose !== undefined && phase !== 'ending');
    const ids = new Set(cells.map(({ cellId }) => cellId));
    for (const cellId of idleSinceMs.keys()) if (!ids.has(cellId)) idleSinceMs.delete(cellId);
    if (mayAct()) for (const cell of cells) look(cell);
    await clock.sleep(TICK_MS, signal).catch(() => undefined);
  }
}
