import { uptime } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** Time as a port, so that tests own it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  },
};

/**
 * Whole milliseconds since the machine's start, to about ten: no change of the wall clock touches them, and unlike
 * `performance.now()` they count while the machine sleeps (Linux' CLOCK_BOOTTIME).
 */
export function systemUptimeMs(): number {
  return Math.round(uptime() * 1_000);
}

/** RFC 3339 with seconds, as Kubernetes writes `metav1.Time`. */
export function kubeTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** RFC 3339 with microseconds, as Kubernetes writes `metav1.MicroTime`. */
export function kubeMicroTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('Z', '000Z');
}
