import { seededRandom } from '../../../src/core/seeded-random.ts';
import type { StartupSla } from '../../../src/warm-pool/policy/service-level.ts';
import { type Hours, hoursOf, type Outcome, outcomeOf } from '../../../src/warm-pool/simulation/outcome.ts';
import type { Run } from '../../../src/warm-pool/simulation/simulate.ts';
import type { Workload } from '../../../src/warm-pool/simulation/trace.ts';
import { quantile } from '../statistics.ts';

/** How a policy did on a trace. */
export interface Score extends Outcome {
  readonly policy: string;
  readonly warmUp: Pick<Outcome, 'pods' | 'attainment' | 'overheadUsd'>;
  /** The longest time in which pods came and every one was late, in seconds. */
  readonly longestLateS: number;
  readonly hours: Hours;
}

function longestLateS({ arrivalMs }: Workload, { startMs }: Run, targetMs: number, fromMs: number): number {
  let longestMs = 0;
  let sinceMs: number | undefined;
  arrivalMs.forEach((atMs, pod) => {
    if (atMs < fromMs) return;
    if ((startMs[pod] as number) <= targetMs) {
      sinceMs = undefined;
      return;
    }
    sinceMs ??= atMs;
    longestMs = Math.max(longestMs, atMs - sinceMs);
  });
  return longestMs / 1_000;
}

export function scoreOf(
  policy: string,
  told: { readonly workload: Workload; readonly run: Run },
  sla: StartupSla,
  fromHour: number,
): Score {
  const hours = hoursOf([told], sla);
  const total = (values: Float64Array) => values.subarray(0, fromHour).reduce((sum, value) => sum + value, 0);
  const pods = total(hours.pods);
  return {
    policy,
    ...outcomeOf([told], sla, fromHour),
    warmUp: { pods, attainment: pods === 0 ? 1 : total(hours.inTime) / pods, overheadUsd: total(hours.overheadUsd) },
    longestLateS: longestLateS(told.workload, told.run, sla.targetMs, fromHour * 3_600_000),
    hours,
  };
}

const BLOCK_HOURS = 6;
const RESAMPLES = 1_000;

/** The middle 95 % of what resampled blocks of hours give. */
export type Interval = readonly [low: number, high: number];

/** Block bootstrap: hours in blocks of six, the same ones for all whom a figure compares. */
export function confidence(
  fromHour: number,
  hours: number,
  seed: number,
  of: (sum: (values: Float64Array) => number) => number,
): Interval {
  const random = seededRandom(seed);
  const blocks = Math.floor((hours - fromHour) / BLOCK_HOURS);
  const figures = Array.from({ length: RESAMPLES }, () => {
    const starts = Array.from({ length: blocks }, () => fromHour + Math.floor(random() * blocks) * BLOCK_HOURS);
    return of((values) => {
      let sum = 0;
      for (const start of starts)
        for (let hour = start; hour < start + BLOCK_HOURS; hour += 1) sum += values[hour] as number;
      return sum;
    });
  });
  return [quantile(figures, 0.025), quantile(figures, 0.975)];
}
