import type { WarmPoolPolicy } from './policy.ts';

const PERIOD_MS = 60_000;

/** Capacity is taken back only when it was too much for this long, as EC2's target tracking has its low alarm. */
const SCALE_IN_MS = 15 * 60_000;

/**
 * Keeps the share of cells that run pods at a target, looked at once a minute, as autoscaling groups do. Between two looks
 * nothing is replaced, and a pod that finds no cell has one launched.
 */
export function targetTracking(percent: number): WarmPoolPolicy {
  let nextLookMs = 0;
  let level = 1;
  let enoughSinceMs = 0;
  return {
    tickMs: PERIOD_MS,
    arrived: () => undefined,
    started: () => undefined,
    decide: ({ ready, booting, waiting, running: busy }, nowMs) => {
      const position = Math.max(0, ready + booting - waiting);
      const why = `${level} cells beside ${busy} that run: ${percent} % should`;
      if (nowMs < nextLookMs)
        return { running: Math.min(position, level), runningAtMost: Number.MAX_VALUE, stopped: 0, why };
      nextLookMs = nowMs + PERIOD_MS;
      const wanted = Math.max(1, Math.ceil((busy * 100) / percent) - busy);
      if (wanted >= position) enoughSinceMs = nowMs;
      level = wanted >= position || nowMs - enoughSinceMs >= SCALE_IN_MS ? wanted : position;
      return { running: level, runningAtMost: level, stopped: 0, why };
    },
  };
}
