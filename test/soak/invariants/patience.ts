import type { Observation } from '../observation.ts';

/** How long something wrong is borne, and how long something was at most. */
export interface Limit {
  readonly limitMs: number;
  longestMs: number;
}

export function limitOf(limitMs: number): Limit {
  return { limitMs, longestMs: 0 };
}

/** Of what is wrong now, a line for each thing by what identifies it, the lines of what has been wrong for too long. */
export type Patience = (wrong: ReadonlyMap<string, string>, seen: Observation) => readonly string[];

/** The part of the time since the last observation that counts. */
type Counted = (seen: Observation, lastMs: number) => number;

function patience(limit: Limit, counted: Counted): Patience {
  const wrongMs = new Map<string, number>();
  let lastMs: number | undefined;
  return (wrong, seen) => {
    const passedMs = lastMs === undefined ? 0 : Math.max(0, counted(seen, lastMs));
    lastMs = seen.atMs;
    for (const key of wrongMs.keys()) if (!wrong.has(key)) wrongMs.delete(key);
    const tooLong: string[] = [];
    for (const [key, line] of wrong) {
      const before = wrongMs.get(key);
      const ms = before === undefined ? 0 : before + passedMs;
      wrongMs.set(key, ms);
      limit.longestMs = Math.max(limit.longestMs, ms);
      if (ms > limit.limitMs) tooLong.push(line);
    }
    return tooLong;
  };
}

/** Bears what is wrong for so long, whatever the provider does. */
export function wallPatience(limit: Limit): Patience {
  return patience(limit, ({ atMs }, lastMs) => atMs - lastMs);
}

/**
 * Bears what is wrong until providers have led for so long in all and not mended it. A kill stops the clock and does not
 * set it back, or what every provider leaves wrong for as long as it lives would never be told.
 */
export function servedPatience(limit: Limit): Patience {
  return patience(limit, ({ atMs, servingSinceMs = Number.POSITIVE_INFINITY }, lastMs) => {
    return atMs - Math.max(lastMs, servingSinceMs);
  });
}
