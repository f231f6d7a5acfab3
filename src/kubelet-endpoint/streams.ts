import type { Clock } from '../core/clock.ts';
import type { EndpointMetrics } from './metrics.ts';

/** The proxied streams that are open, so that they can be counted and, at the end, ended. */
export interface Streams {
  /** Counts a stream in; `end` must cut it off. The returned function counts it out, once. */
  opened(end: () => void): () => void;
  /** Waits until all have ended by themselves, at most `graceMs`, then ends those that are left. */
  drain(graceMs: number): Promise<void>;
  readonly open: number;
}

/** A count of open streams that starts at none. */
export function createStreams(metrics: EndpointMetrics, clock: Clock): Streams {
  const ends = new Set<() => void>();
  let emptied: (() => void) | undefined;
  return {
    opened(end) {
      const entry = () => end();
      ends.add(entry);
      metrics.streams(1);
      return () => {
        if (!ends.delete(entry)) return;
        metrics.streams(-1);
        if (ends.size === 0) emptied?.();
      };
    },
    async drain(graceMs) {
      if (ends.size > 0) {
        const graceOver = new AbortController();
        const allEnded = new Promise<void>((resolve) => {
          emptied = resolve;
        });
        await Promise.race([allEnded, clock.sleep(graceMs, graceOver.signal).catch(() => undefined)]);
        graceOver.abort();
      }
      for (const end of [...ends]) end();
    },
    get open() {
      return ends.size;
    },
  };
}
