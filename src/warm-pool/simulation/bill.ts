import type { Prices } from './world.ts';

const HOUR_MS = 3_600_000;

/** What one start of a cell is billed for, in milliseconds: whole seconds from running to its end, and a minimum. */
export function billedMs(fromMs: number, toMs: number, minimumMs: number): number {
  return Math.max(minimumMs, Math.ceil((toMs - fromMs) / 1_000) * 1_000);
}

/** What billed time costs of a running cell. */
export function runningUsd(ms: number, { runningUsdPerHour }: Prices): number {
  return (ms / HOUR_MS) * runningUsdPerHour;
}

/** What time costs of a stopped cell. */
export function stoppedUsd(ms: number, { stoppedUsdPerHour }: Prices): number {
  return (ms / HOUR_MS) * stoppedUsdPerHour;
}
