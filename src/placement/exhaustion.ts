import type { Stock } from './stock.ts';

/** What is known of a zone's capacity at one time. */
export interface ZoneSight extends Stock {
  readonly nowMs: number;
  /** Pods that wait because everything that fits them is unavailable. */
  readonly refused: number;
  /** When the cloud accepted a launch in the zone last. */
  readonly lastLaunchMs?: number | undefined;
}

/** Whether a zone counts as exhausted, and since when it does or does not. */
export interface Exhaustion {
  readonly exhausted: boolean;
  readonly sinceMs: number;
  /** How long it is left alone at least, this time or the last time. */
  readonly holdMs: number;
}

/** A zone that has just served somebody is not exhausted. */
const QUIET_MS = 10_000;
/** A zone that is exhausted soon again is left alone for twice as long as before, up to so many times the least. */
const MAX_HOLDS = 10;

/** One machine too large to be had is no reason to keep everybody else from a zone. */
function isMostlyUnavailable({ offerings, unavailable }: Stock): boolean {
  return offerings > 0 && unavailable * 2 >= offerings;
}

function holdMsAfter({ sinceMs, holdMs }: Exhaustion, nowMs: number, leastMs: number): number {
  const isRelapse = holdMs > 0 && nowMs - sinceMs < holdMs;
  return isRelapse ? Math.min(2 * holdMs, MAX_HOLDS * leastMs) : leastMs;
}

/**
 * Whether a zone is exhausted now. It becomes so when a pod is refused because everything that fits it is unavailable, if that
 * is at least half of what there is; and recovers with the first launch that goes well, or when it was left alone for a
 * while and most can be tried again.
 */
export function nextExhaustion(before: Exhaustion, sight: ZoneSight, leastMs: number): Exhaustion {
  const { nowMs, refused, lastLaunchMs = Number.NEGATIVE_INFINITY } = sight;
  if (!before.exhausted) {
    const isExhausted = refused > 0 && isMostlyUnavailable(sight) && nowMs - lastLaunchMs >= QUIET_MS;
    return isExhausted ? { exhausted: true, sinceMs: nowMs, holdMs: holdMsAfter(before, nowMs, leastMs) } : before;
  }
  const isOver = nowMs - before.sinceMs >= before.holdMs && !isMostlyUnavailable(sight);
  const isServing = lastLaunchMs > before.sinceMs;
  return isOver || isServing ? { ...before, exhausted: false, sinceMs: nowMs } : before;
}
