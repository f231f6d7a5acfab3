import type { Progress } from '../../src/local-cluster/progress.ts';

/** What a benchmark runs with. */
export interface BenchContext {
  /** Aborted when the run is interrupted; a benchmark takes down what it brought up all the same. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** A folder that stays after the run, for logs, profiles and probes of this benchmark. */
  readonly folder: string;
}

/** One measured thing: every value that was measured, in the order of measurement. */
export interface Figure {
  /** What was measured, such as `all pods Ready`. */
  readonly name: string;
  /** Whose figure it is, such as `nodeless` or `kwok`; figures of one name stand side by side. */
  readonly subject: string;
  /** Unit of the values, such as `s`, `ms`, `MiB`, `KiB/cell`; empty for a plain count or ratio. */
  readonly unit: string;
  readonly values: readonly number[];
  /** What the figure should be, judged by the median unless said otherwise. */
  readonly aim?: { readonly atMost: number; readonly by?: Statistic };
}

export type Statistic = 'median' | 'p95' | 'p99' | 'max';

export interface BenchResult {
  readonly figures: readonly Figure[];
  /** What a reader must know to read the figures right, a sentence each. */
  readonly remarks?: readonly string[];
}

export interface Benchmark {
  /** What `--only` names. */
  readonly name: string;
  /** One sentence: what is measured, against what. */
  readonly title: string;
  run(context: BenchContext): Promise<BenchResult>;
}
