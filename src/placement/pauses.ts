import { areaOf, type CapacityScope } from '../core/capacity-scope.ts';
import type { Clock } from '../core/clock.ts';
import type { Offering } from '../core/offerings.ts';

export interface PausesOptions {
  readonly clock: Clock;
  /** The first pause, doubled at each failure after it up to the longest. */
  readonly minMs: number;
  readonly maxMs: number;
}

interface Pause {
  readonly untilMs: number;
  readonly failures: number;
}

/** For how long what failed is left alone: an offering, or all that have something in common with it. */
export class Pauses {
  readonly #options: PausesOptions;
  readonly #byScope = new Map<CapacityScope, Map<string, Pause>>();

  constructor(options: PausesOptions) {
    this.#options = options;
  }

  /** Something failed. What fails at once counts once: the pods of one burst find out the same. @returns whether it counts */
  begin(offering: Offering, scope: CapacityScope): boolean {
    const { clock, minMs, maxMs } = this.#options;
    const nowMs = clock.now();
    this.#forget(nowMs);
    const area = areaOf(offering, scope);
    const pauses = this.#byScope.get(scope) ?? new Map<string, Pause>();
    const last = pauses.get(area);
    if (last !== undefined && this.#lasts(last, nowMs)) return false;
    const failures = (last?.failures ?? 0) + 1;
    this.#byScope.set(
      scope,
      pauses.set(area, { untilMs: nowMs + Math.min(maxMs, minMs * 2 ** (failures - 1)), failures }),
    );
    return true;
  }

  /** The offering can be had: with it whatever it has something in common with. */
  end(offering: Offering): void {
    for (const [scope, pauses] of this.#byScope) pauses.delete(areaOf(offering, scope));
  }

  /** Tells for this moment which offerings are left alone; undefined where none is. */
  now(): ((offering: Offering) => boolean) | undefined {
    const nowMs = this.#options.clock.now();
    const held = [...this.#byScope].flatMap(([scope, pauses]) => {
      const areas = new Set([...pauses].flatMap(([area, pause]) => (this.#lasts(pause, nowMs) ? [area] : [])));
      return areas.size === 0 ? [] : [{ scope, areas }];
    });
    if (held.length === 0) return undefined;
    return (offering) => held.some(({ scope, areas }) => areas.has(areaOf(offering, scope)));
  }

  /** More is left than the longest only where the clock was set back. */
  #lasts({ untilMs }: Pause, nowMs: number): boolean {
    return untilMs > nowMs && untilMs - nowMs <= this.#options.maxMs;
  }

  /** What has not failed again for as long as the longest pause begins anew. */
  #forget(nowMs: number): void {
    for (const pauses of this.#byScope.values()) {
      for (const [area, { untilMs }] of pauses) if (untilMs + this.#options.maxMs < nowMs) pauses.delete(area);
    }
  }
}
