import { type Cell, enteredForPod } from '../cells/cell.ts';

function seconds(fromMs: number, toMs: number): string {
  return `${((toMs - fromMs) / 1000).toFixed(1)} s`;
}

/**
 * How long a cell took to become ready, by stage: `ready after 2.1 s (launch 0.3 s, boot 1.8 s)`, or
 * `warm start: of pool web, given after 0.0 s`.
 */
export function describeStart(cell: Cell, nowMs: number): string {
  const { pool, claimedMs } = cell;
  if (pool !== undefined && claimedMs !== undefined)
    return `warm start: of pool ${pool.name}, given after ${seconds(claimedMs, nowMs)}`;
  const { requested, launching, booting } = enteredForPod(cell);
  if (requested === undefined || launching === undefined || booting === undefined) return 'ready';
  return `ready after ${seconds(requested, nowMs)} (launch ${seconds(launching, booting)}, boot ${seconds(booting, nowMs)})`;
}
