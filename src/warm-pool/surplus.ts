import type { Cell } from '../cells/cell.ts';

/** What a pool's cells are judged by. */
export interface SurplusTerms {
  /** How many are to wait. */
  readonly running: number;
  /** More than this many that wait are given up, once their least time is billed. */
  readonly atMost: number;
  /** More than this many that wait or come are given up at once. */
  readonly max: number;
  readonly nowMs: number;
  /** Whether a cell that waits is to be replaced. */
  readonly isWorn: (cell: Cell) => boolean;
}

export interface Surplus {
  readonly cell: Cell;
  readonly reason: string;
}

/** Less is billed all the same. */
const BILLED_MS = 60_000;
const TOO_MANY = 'the pool needs fewer cells';

const createdMs = ({ machine }: Cell): number => machine?.createdAtMs ?? Number.NEGATIVE_INFINITY;

/** The cells of a pool that are to end now. What waits is ended only when enough others wait: what comes is no reason. */
export function surplus(ready: Iterable<Cell>, booting: Iterable<Cell>, terms: SurplusTerms): readonly Surplus[] {
  const { running, atMost, max, nowMs, isWorn } = terms;
  const ends: Surplus[] = [];
  const waiting = [...ready].sort((a, b) => createdMs(a) - createdMs(b));
  const coming = [...booting];
  const worn = waiting.findIndex(isWorn);
  if (worn >= 0 && waiting.length > running) {
    const [cell] = waiting.splice(worn, 1);
    if (cell !== undefined) ends.push({ cell, reason: 'its successor is there' });
  }
  // The successor of one that is worn comes beyond what the pool may have.
  const beyond = waiting.some(isWorn) ? 1 : 0;
  while (coming.length > 0 && waiting.length + coming.length > max + beyond) {
    const cell = coming.pop();
    if (cell !== undefined) ends.push({ cell, reason: TOO_MANY });
  }
  let left = waiting.length;
  for (const cell of waiting) {
    if (left <= atMost) break;
    if (left <= max && nowMs - createdMs(cell) < BILLED_MS) continue;
    ends.push({ cell, reason: TOO_MANY });
    left -= 1;
  }
  return ends;
}
