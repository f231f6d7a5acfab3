import type { WarmPoolPolicy } from './policy.ts';

/** Holds the same number of cells at all times, as pools that are sized by hand do: a base-stock policy. */
export function fixedCount(cells: number, tier: 'running' | 'stopped' = 'running'): WarmPoolPolicy {
  const running = tier === 'running' ? cells : 0;
  const desired = { running, runningAtMost: running, stopped: cells - running, why: `${cells} cells, as was set` };
  return {
    arrived: () => undefined,
    started: () => undefined,
    decide: () => desired,
  };
}
