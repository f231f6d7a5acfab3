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
  /** Whether others can be ordered. */
  readonly canReplace: boolean;
  /** Whether no pod is given it meanwhile either: such cells are replaced all at once. */
  readonly isUnfit: (cell: Cell) => boolean;
}

export interface Surplus {
  readonly cell: Cell;
  readonly reason: string;
}

/** Less is billed all the same. */
const BILLED_MS = 60_000;
const TOO_MANY = 'the pool needs fewer cells';

const createdMs = ({ machine }: Cell): number => machine?.createdAtMs ?? Number.NEGATIVE_INFINITY;

/** For how many cells that wait others are to come. */
export function replacements(
  ready: Iterable<Cell>,
  { isWorn, isUnfit }: Pick<SurplusTerms, 'isWorn' | 'isUnfit'>,
): number {
  const waiting = [...ready];
  return Math.max(waiting.filter(isUnfit).length, waiting.some(isWorn) ? 1 : 0);
}

/** The cells of a pool that are to end now. What waits is ended only when enough others wait: what comes is no reason. */
export function surplus(ready: Iterable<Cell>, booting: Iterable<Cell>, terms: SurplusTerms): readonly Surplus[] {
  const { running, atMost, max, nowMs, isWorn, isUnfit } = terms;
  const ends: Surplus[] = [];
  const waiting = [...ready].sort((a, b) => Number(isUnfit(b)) - Number(isUnfit(a)) || createdMs(a) - createdMs(b));
  const coming = [...booting];
  const endWaiting = (cell: Cell, reason: string) => {
    waiting.splice(waiting.indexOf(cell), 1);
    ends.push({ cell, reason });
  };
  for (const cell of waiting.filter((one) => isUnfit(one) || isWorn(one))) {
    if (waiting.length <= running) break;
    endWaiting(cell, 'its successor is there');
  }
  // What no pod can have must not keep from the budget what pods could.
  const useless = terms.canReplace ? undefined : waiting.find(isUnfit);
  if (useless !== undefined) endWaiting(useless, 'no pod of its pool can have it');
  // Successors come beyond what the pool may have.
  const beyond = replacements(waiting, terms);
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
