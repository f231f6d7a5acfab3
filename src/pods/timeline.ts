import type { CellPhase } from '../core/cell.ts';

function seconds(fromMs: number, toMs: number): string {
  return `${((toMs - fromMs) / 1000).toFixed(1)} s`;
}

/** How long a cell took to become ready, by stage: `ready after 2.1 s (launch 0.3 s, boot 1.8 s)`. */
export function describeStart(enteredMs: Partial<Record<CellPhase, number>>, nowMs: number): string {
  const { requested, launching, booting } = enteredMs;
  if (requested === undefined || launching === undefined || booting === undefined) return 'ready';
  return `ready after ${seconds(requested, nowMs)} (launch ${seconds(launching, booting)}, boot ${seconds(booting, nowMs)})`;
}
