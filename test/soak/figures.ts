import type { Footprint } from './host-view.ts';
import type { Limits } from './invariants/all.ts';
import type { Observation } from './observation.ts';

/** What a soak counts and measures on its way. */
export interface Figures {
  readonly actions: Record<string, number>;
  readonly restartToServingMs: number[];
  readonly podStartMs: number[];
  readonly podsSeen: Set<string>;
  readonly cellsSeen: Set<string>;
  /** First sight of each pod that is not Ready yet. */
  readonly firstSeenMs: Map<string, number>;
  checks: number;
  mostFiles: number;
  mostResidentBytes: number;
}

export function emptyFigures(): Figures {
  return {
    actions: {},
    restartToServingMs: [],
    podStartMs: [],
    podsSeen: new Set(),
    cellsSeen: new Set(),
    firstSeenMs: new Map(),
    checks: 0,
    mostFiles: 0,
    mostResidentBytes: 0,
  };
}

/** Counts what an observation shows for the first time. */
export function countObservation(figures: Figures, { machines, api, atMs }: Observation): void {
  for (const { cellId } of machines) figures.cellsSeen.add(cellId);
  if (api === undefined) return;
  for (const { uid, ready } of api.pods) {
    if (!figures.podsSeen.has(uid)) figures.firstSeenMs.set(uid, atMs);
    figures.podsSeen.add(uid);
    const firstMs = figures.firstSeenMs.get(uid);
    if (!ready || firstMs === undefined) continue;
    figures.podStartMs.push(atMs - firstMs);
    figures.firstSeenMs.delete(uid);
  }
  const present = new Set(api.pods.map(({ uid }) => uid));
  for (const uid of figures.firstSeenMs.keys()) if (!present.has(uid)) figures.firstSeenMs.delete(uid);
}

export function countFootprint(figures: Figures, footprint: Footprint | undefined): void {
  figures.mostFiles = Math.max(figures.mostFiles, footprint?.files ?? 0);
  figures.mostResidentBytes = Math.max(figures.mostResidentBytes, footprint?.residentBytes ?? 0);
}

/** The value that this share of all does not exceed (nearest rank); undefined of none. */
export function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/** What is wrong when the provider was killed less often than was asked for. */
export function missingKills({ actions }: Figures, wanted: number): readonly string[] {
  const kills = actions.killProvider ?? 0;
  return kills < wanted ? [`kills: the provider was killed ${kills} times, and ${wanted} were asked for`] : [];
}

/** The kinds of actions that hurt somebody. */
const HARMFUL = /^(kill|stop|freeze|deleteCell)/;

interface Run {
  readonly seed: number;
  readonly startedAtMs: number;
  readonly wantedKills: number;
  readonly limits: Limits;
  readonly violations: readonly string[];
}

/** What a soak has come to, as JSON. */
export function summaryOf(figures: Figures, run: Run) {
  const { seed, startedAtMs, wantedKills, limits, violations } = run;
  const { actions, restartToServingMs, podStartMs } = figures;
  const seconds = Math.round((Date.now() - startedAtMs) / 1_000);
  const spread = (values: readonly number[]) => ({ p50: quantile(values, 0.5), p99: quantile(values, 0.99) });
  return {
    seed,
    minutes: Number((seconds / 60).toFixed(1)),
    actions,
    wantedKills,
    kills: Object.fromEntries(Object.entries(actions).filter(([kind]) => HARMFUL.test(kind))),
    podsCreated: figures.podsSeen.size,
    cellsLaunched: figures.cellsSeen.size,
    checks: figures.checks,
    violations,
    borne: Object.fromEntries(
      Object.entries(limits).map(([name, { limitMs, longestMs }]) => [name, { limitMs, longestMs }]),
    ),
    restarts: restartToServingMs.length,
    restartToServingMs: spread(restartToServingMs),
    podStartMs: spread(podStartMs),
    provider: { mostFiles: figures.mostFiles, mostMebibytes: Math.round(figures.mostResidentBytes / 2 ** 20) },
    seconds,
  };
}
