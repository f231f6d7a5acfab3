import type { CellAttack } from './actions.ts';
import type { CellAttacked } from './observation.ts';

/** What the soak has done to the provider, the API server and the cells, and how the provider fares. */
export interface Standing {
  provider: 'running' | 'frozen' | 'away';
  /** When the provider was started last, and when it then began to serve. */
  startedAtMs: number;
  servedAtMs: number | undefined;
  restarts: number;
  apiServer: 'running' | 'away';
  /** When something was last thawed or back. */
  undisturbedSinceMs: number;
  readonly attacks: CellAttacked[];
}

export function freshStanding(startedAtMs: number): Standing {
  return {
    provider: 'running',
    startedAtMs,
    servedAtMs: undefined,
    restarts: 0,
    apiServer: 'running',
    undisturbedSinceMs: startedAtMs,
    attacks: [],
  };
}

/** Since when a provider has led without a break; undefined when none does. */
export function servingSinceMs(standing: Standing): number | undefined {
  const { provider, apiServer, servedAtMs, undisturbedSinceMs } = standing;
  if (provider !== 'running' || apiServer !== 'running' || servedAtMs === undefined) return undefined;
  return Math.max(servedAtMs, undisturbedSinceMs);
}

/** To be called before the deed, so that nothing that comes of it is seen first. */
export function noteAttack(standing: Standing, cellId: string, kind: CellAttack): void {
  standing.attacks.push({ cellId, kind, atMs: Date.now() });
}
