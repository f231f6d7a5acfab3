import type { WarmPoolPolicy } from './policy.ts';

const TICK_MS = 10_000;

/** Holds a share of what runs, and one cell at least, as overprovisioning with placeholder pods does. */
export function headroom(percent: number): WarmPoolPolicy {
  return {
    tickMs: TICK_MS,
    arrived: () => undefined,
    started: () => undefined,
    decide: ({ running: busy }) => {
      const running = Math.max(1, Math.ceil((busy * percent) / 100));
      return {
        running,
        runningAtMost: running,
        stopped: 0,
        why: `${running} cells: ${percent} % of the ${busy} that run`,
      };
    },
  };
}
