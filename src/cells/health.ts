import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import type { Book } from './book.ts';
import type { Cell } from './cell.ts';

export interface SilenceRule {
  readonly nowMs: number;
  /** When this process began to lead; silence before it says nothing about the cells. */
  readonly leadingSinceMs: number;
  readonly silentAfterMs: number;
}

/** What the cells' silence means. */
export interface Silence {
  /** To be taken for dead. */
  readonly dead: readonly Cell[];
  /** How many are silent without being taken for dead. */
  readonly unexplained: number;
}

/**
 * The cells to be taken for dead by their silence. When more than a third fall silent together it is us, or the
 * network, and nobody is: then only the cloud's word counts.
 */
export function judgeSilence(cells: readonly Cell[], rule: SilenceRule): Silence {
  const served = cells.filter(({ phase }) => phase === 'ready' || phase === 'running');
  const silent = served.filter(
    (cell) => rule.nowMs - Math.max(cell.lastSeenMs ?? 0, rule.leadingSinceMs) > rule.silentAfterMs,
  );
  return silent.length * 3 > served.length
    ? { dead: [], unexplained: silent.length }
    : { dead: silent, unexplained: 0 };
}

export interface HealthOptions {
  readonly book: Book;
  readonly clock: Clock;
  readonly silentAfterMs: number;
  /** False while another process may lead, and the cells may speak to that one. */
  readonly mayAct: () => boolean;
  readonly onSilent: (cell: Cell) => void;
  readonly logger: Logger;
}

const TICK_MS = 5_000;
/** A tick this late means that this process itself stood still, and heard nobody meanwhile. */
const STOOD_STILL_MS = 3 * TICK_MS;

/** Watches for silent cells until the signal aborts. */
export async function watchHealth(options: HealthOptions, signal: AbortSignal): Promise<void> {
  const { book, clock, silentAfterMs, mayAct, onSilent, logger } = options;
  let told = false;
  let leadingSinceMs = clock.now();
  let tickMs = leadingSinceMs;
  while (!signal.aborted) {
    await clock.sleep(TICK_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    if (!mayAct() || clock.now() - tickMs > STOOD_STILL_MS) leadingSinceMs = clock.now();
    tickMs = clock.now();
    const rule = { nowMs: clock.now(), leadingSinceMs, silentAfterMs };
    const { dead, unexplained } = judgeSilence([...book.cells()], rule);
    for (const cell of dead) onSilent(cell);
    if (unexplained > 0 && !told) {
      const message =
        'more than a third of the cells are silent: that may be us, so only the cloud can say that one has ended';
      logger.warn({ silent: unexplained, cells: book.size }, message);
    }
    told = unexplained > 0;
  }
}
