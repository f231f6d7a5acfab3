import { columns } from '../columns.ts';
import type { CellRecord, CellTransition } from './cell-log.ts';

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)}s`;
}

/** The live table: one row per cell with its phase and since when. */
export function cellRows(
  cells: readonly CellRecord[],
  readyPods: ReadonlySet<string>,
  nowMs: number,
): readonly string[] {
  if (cells.length === 0) return ['no cells'];
  const rows = cells.map((cell) => [
    cell.id,
    cell.pod,
    cell.phase,
    readyPods.has(cell.pod) ? 'Ready' : '-',
    seconds((cell.phase === 'ended' ? cell.changedMs : nowMs) - cell.seenMs),
  ]);
  return columns([['CELL', 'POD', 'PHASE', 'POD IS', 'AGE'], ...rows]);
}

/** One line of a log: `+2.1s  cell-x  web-y  launching → booting`. */
export function transitionLine({ cell, entered }: CellTransition, sinceMs: number): string {
  return `+${seconds(sinceMs).padEnd(6)} ${cell.id}  ${cell.pod}  ${entered.join(' → ')}`;
}
