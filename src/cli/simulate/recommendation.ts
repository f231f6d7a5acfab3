import type { Contest } from './contest.ts';
import { RECOMMENDED } from './options.ts';

/** What to set for the pool of a shape. */
export interface Recommendation {
  readonly shape: string;
  readonly startupSla: { readonly target: string; readonly percentile: number };
  readonly min: number;
  /** The most that the policy wanted at once, and a quarter more. */
  readonly max: number;
  readonly why: string;
}

/** What to set, from how the predictive policy did: it needs no level, only limits that it does not run into. */
export function recommendation({ sla, standings }: Contest): readonly Recommendation[] {
  const standing = standings.find(({ policy }) => policy === RECOMMENDED);
  return (standing?.pools ?? []).map(({ shape, most, why }) => ({
    shape,
    startupSla: { target: `${sla.targetMs / 1_000}s`, percentile: +(sla.percentile * 100).toFixed(3) },
    min: 0,
    max: Math.ceil(most * 1.25),
    why: `at most ${most} cells were wanted at once; at the end ${why}`,
  }));
}
