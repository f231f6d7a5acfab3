import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../src/core/clock.ts';

export interface ManualClock extends Clock {
  /** Lets time pass, and what waited for it go on. */
  pass(ms: number): Promise<void>;
}

/** A clock that stands until it is told that time has passed. */
export function manualClock(startMs = 1_000_000): ManualClock {
  let nowMs = startMs;
  const sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>();
  return {
    now: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { untilMs: nowMs + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', () => sleepers.delete(sleeper) && reject(signal.reason), { once: true });
      }),
    async pass(ms) {
      const endMs = nowMs + ms;
      for (;;) {
        const [next] = [...sleepers].filter(({ untilMs }) => untilMs <= endMs).sort((a, b) => a.untilMs - b.untilMs);
        if (next === undefined) break;
        nowMs = next.untilMs;
        sleepers.delete(next);
        next.wake();
        await turn();
      }
      nowMs = endMs;
      await turn();
    },
  };
}
