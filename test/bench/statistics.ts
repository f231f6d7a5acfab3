import type { Figure, Statistic } from './benchmark.ts';

/** The value below which the given share of the values lies, between neighbours in proportion. NaN when there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = share * (sorted.length - 1);
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) return Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

const SHARES: Readonly<Record<Statistic, number>> = { median: 0.5, p95: 0.95, p99: 0.99, max: 1 };

export function statistic(values: readonly number[], by: Statistic): number {
  return quantile(values, SHARES[by]);
}

/** What is made of a figure's values. */
export interface Summary extends Readonly<Record<Statistic, number>> {
  readonly count: number;
  readonly min: number;
  /** Whether the aim is met; undefined when the figure has none. */
  readonly met?: boolean;
}

export function summaryOf({ values: all, aim }: Figure): Summary {
  // A round in which it could not be told has no say.
  const values = all.filter((value) => !Number.isNaN(value));
  const by = (of: Statistic) => statistic(values, of);
  return {
    count: values.length,
    min: quantile(values, 0),
    median: by('median'),
    p95: by('p95'),
    p99: by('p99'),
    max: by('max'),
    ...(aim === undefined ? {} : { met: by(aim.by ?? 'median') <= aim.atMost }),
  };
}
