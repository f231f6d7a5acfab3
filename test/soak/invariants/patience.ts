import type { Observation } from '../observation.ts';

/** Of what is wrong now, what has been wrong for too long. */
export type Patience = (wrong: Iterable<string>, seen: Observation) => readonly string[];

function patience(limitMs: number, startOf: (seen: Observation) => number): Patience {
  const sinceMs = new Map<string, number>();
  return (wrong, seen) => {
    const now = new Set(wrong);
    for (const key of sinceMs.keys()) if (!now.has(key)) sinceMs.delete(key);
    for (const key of now) if (!sinceMs.has(key)) sinceMs.set(key, seen.atMs);
    return [...now].filter((key) => seen.atMs - Math.max(sinceMs.get(key) ?? 0, startOf(seen)) > limitMs);
  };
}

/** Bears what is wrong for so long, whatever the provider does. */
export function wallPatience(limitMs: number): Patience {
  return patience(limitMs, () => 0);
}

/** Bears what is wrong until a provider has led without a break for so long and not mended it. */
export function servedPatience(limitMs: number): Patience {
  return patience(limitMs, ({ servingSinceMs }) => servingSinceMs ?? Number.POSITIVE_INFINITY);
}
