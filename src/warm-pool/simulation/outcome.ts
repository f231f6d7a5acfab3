import type { StartupSla } from '../policy/service-level.ts';
import type { Run } from './simulate.ts';
import type { Workload } from './trace.ts';

const HOUR_MS = 3_600_000;

/** An hour with fewer pods than this can't be the worst one: a single late pod would make it. */
const PODS_OF_AN_HOUR = 20;

/** What happened in each hour of a run. */
export interface Hours {
  readonly pods: Float64Array;
  readonly inTime: Float64Array;
  readonly foundReady: Float64Array;
  readonly overheadUsd: Float64Array;
}

/** How a policy did, in figures. */
export interface Outcome {
  readonly pods: number;
  /** The share of pods that started within the target. */
  readonly attainment: number;
  /** The share that found a ready cell. */
  readonly hitRate: number;
  readonly startP50Ms: number;
  readonly startP95Ms: number;
  readonly startP99Ms: number;
  /** Billed time beyond what pods ran, at its price. */
  readonly overheadUsd: number;
  /** The hour with the least attainment, of those with 20 pods or more; absent when there is none. */
  readonly worstHour?: { readonly hour: number; readonly pods: number; readonly attainment: number };
}

/** One run with the workload that it was of. */
export interface Told {
  readonly workload: Workload;
  readonly run: Run;
}

/** What happened by the hour, in all pools together. */
export function hoursOf(told: readonly Told[], { targetMs }: StartupSla): Hours {
  const length = Math.max(1, ...told.map(({ run }) => run.overheadUsdByHour.length));
  const array = () => new Float64Array(length);
  const hours: Hours = { pods: array(), inTime: array(), foundReady: array(), overheadUsd: array() };
  const add = (to: Float64Array, hour: number, amount: number) => {
    to[hour] = (to[hour] as number) + amount;
  };
  for (const { workload, run } of told) {
    run.overheadUsdByHour.forEach((usd, hour) => {
      add(hours.overheadUsd, hour, usd);
    });
    workload.arrivalMs.forEach((atMs, pod) => {
      const hour = Math.floor(atMs / HOUR_MS);
      add(hours.pods, hour, 1);
      add(hours.inTime, hour, Number((run.startMs[pod] as number) <= targetMs));
      add(hours.foundReady, hour, run.foundReady[pod] as number);
    });
  }
  return hours;
}

function sum(values: Float64Array, from: number): number {
  let total = 0;
  for (let index = from; index < values.length; index += 1) total += values[index] as number;
  return total;
}

function worstOf({ pods, inTime }: Hours, from: number): Outcome['worstHour'] {
  let worst: Outcome['worstHour'];
  for (let hour = from; hour < pods.length; hour += 1) {
    const count = pods[hour] as number;
    const attainment = (inTime[hour] as number) / count;
    if (count >= PODS_OF_AN_HOUR && attainment < (worst?.attainment ?? 2)) worst = { hour, pods: count, attainment };
  }
  return worst;
}

/** The figures of a run from an hour on: what comes before is warm-up. */
export function outcomeOf(told: readonly Told[], sla: StartupSla, fromHour = 0): Outcome {
  const hours = hoursOf(told, sla);
  const starts = told.flatMap(({ workload, run }) => {
    const first = workload.arrivalMs.findIndex((atMs) => atMs >= fromHour * HOUR_MS);
    return first < 0 ? [] : [run.startMs.subarray(first)];
  });
  const pods = starts.reduce((count, { length }) => count + length, 0);
  const sorted = new Float64Array(pods);
  let filled = 0;
  for (const some of starts) {
    sorted.set(some, filled);
    filled += some.length;
  }
  sorted.sort();
  const quantile = (share: number) => sorted[Math.max(0, Math.ceil(share * pods) - 1)] ?? 0;
  const worstHour = worstOf(hours, fromHour);
  return {
    pods,
    attainment: pods === 0 ? 1 : sum(hours.inTime, fromHour) / pods,
    hitRate: pods === 0 ? 1 : sum(hours.foundReady, fromHour) / pods,
    startP50Ms: quantile(0.5),
    startP95Ms: quantile(0.95),
    startP99Ms: quantile(0.99),
    overheadUsd: sum(hours.overheadUsd, fromHour),
    ...(worstHour === undefined ? {} : { worstHour }),
  };
}
