import { setTimeout as delay } from 'node:timers/promises';

/** Lets so many through a second, evenly; callers wait their turn. */
export function paced(perSecond: number): () => Promise<void> {
  let nextMs = 0;
  return async () => {
    const nowMs = performance.now();
    nextMs = Math.max(nextMs + 1_000 / perSecond, nowMs);
    if (nextMs > nowMs) await delay(nextMs - nowMs);
  };
}
