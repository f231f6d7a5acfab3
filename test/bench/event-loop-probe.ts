import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** The timer's period; the histogram holds the time between two runs of it, so this is taken off. */
const RESOLUTION_MS = 5;

/** How long the event loop kept a timer waiting since the last look. */
export interface LoopDelay {
  /** Counts the looks. */
  readonly look: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** In the measured process: at each SIGUSR2 writes the delays since the last one to a file, and begins anew. */
export function watchEventLoop(file: string): void {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  let look = 0;
  const ms = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  process.on('SIGUSR2', () => {
    look += 1;
    const [p50Ms, p99Ms] = [histogram.percentile(50), histogram.percentile(99)].map(ms);
    writeFileSync(`${file}.new`, JSON.stringify({ look, p50Ms, p99Ms, maxMs: ms(histogram.max) }));
    renameSync(`${file}.new`, file);
    histogram.reset();
  });
}
