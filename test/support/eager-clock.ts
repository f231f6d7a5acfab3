import type { Clock } from '../../src/core/clock.ts';

/** A clock from 0 ms on that runs as fast as it is waited for. */
export function eagerClock(): Clock {
  let nowMs = 0;
  return {
    now: () => nowMs,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      await new Promise((resolve) => setImmediate(resolve));
      nowMs += ms;
    },
  };
}
