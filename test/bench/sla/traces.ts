import type { ArrivalProcess } from '../../../src/warm-pool/simulation/arrival-process.ts';
import { drawWorkload } from '../../../src/warm-pool/simulation/arrival-process.ts';
import { GENERATORS, type GeneratorName } from '../../../src/warm-pool/simulation/generators.ts';
import type { Workload } from '../../../src/warm-pool/simulation/trace.ts';

/** What a trace is like, which says what its aims are. */
export type TraceKind = 'stationary' | 'seasonal' | 'bursty' | 'unforeseen';

/** Parameters of one trace. Warm-up days come first and are not scored. */
export interface TraceSpec {
  readonly name: string;
  readonly generator: GeneratorName;
  readonly kind: TraceKind;
  readonly podsPerDay: number;
  readonly warmUpDays: number;
  readonly scoredDays: number;
  /** What of it was not used in tuning, the second seed aside; absent where it was tuned on with the first seed. */
  readonly heldOut?: 'generator' | 'rate';
}

const DAILY = { podsPerDay: 3_000, warmUpDays: 1, scoredDays: 7 };
const WEEKLY = { podsPerDay: 3_000, warmUpDays: 8, scoredDays: 7 };

export const TRACES: readonly TraceSpec[] = [
  { name: 'poisson', generator: 'poisson', kind: 'stationary', ...DAILY },
  { name: 'heavy-tail', generator: 'heavy-tail', kind: 'stationary', ...DAILY },
  { name: 'diurnal', generator: 'diurnal', kind: 'seasonal', ...DAILY },
  { name: 'cron', generator: 'cron', kind: 'seasonal', ...DAILY },
  { name: 'spells', generator: 'spells', kind: 'bursty', ...DAILY },
  { name: 'poisson-busy', generator: 'poisson', kind: 'stationary', heldOut: 'rate', ...DAILY, podsPerDay: 20_000 },
  { name: 'deployments', generator: 'deployments', kind: 'seasonal', heldOut: 'generator', ...DAILY },
  { name: 'office', generator: 'office', kind: 'seasonal', heldOut: 'generator', ...WEEKLY },
  { name: 'weekly-cron', generator: 'weekly-cron', kind: 'seasonal', heldOut: 'generator', ...WEEKLY },
  { name: 'flash-crowd', generator: 'flash-crowd', kind: 'unforeseen', heldOut: 'generator', ...DAILY },
];

/** The first seed was tuned with, the second was not. */
export const SEEDS = [1, 2];

const DURATION = { p50Ms: 240_000, p95Ms: 1_500_000 };

/** The pods of a trace, and the process that they are drawn from. */
export function drawTrace(spec: TraceSpec, seed: number): { workload: Workload; process: ArrivalProcess } {
  const { generator, podsPerDay, warmUpDays, scoredDays } = spec;
  const process = GENERATORS[generator]({ days: warmUpDays + scoredDays, podsPerDay, seed });
  return { process, workload: drawWorkload(process, { seed, duration: DURATION, shape: '250m/256Mi' }) };
}
