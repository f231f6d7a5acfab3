/** One query of a panel, in PromQL with Grafana's variables. */
export interface Query {
  readonly expr: string;
  /** With `{{label}}`; the series' own name unless given. */
  readonly legend?: string;
}

/** A panel as we think of it; `build.ts` makes Grafana's of it. */
export interface Panel {
  readonly title: string;
  /** What it tells, and what to do about it. */
  readonly description: string;
  readonly kind: 'bargauge' | 'heatmap' | 'stat' | 'table' | 'timeseries';
  /** Grafana's name of it, such as `s`, `bytes` or `currencyUSD`; a plain number unless given. */
  readonly unit?: string;
  /** Of the 24 columns of a row. */
  readonly width: number;
  readonly height?: number;
  /** What is drawn adds up. */
  readonly stacked?: boolean;
  readonly queries: readonly Query[];
}

export interface Row {
  readonly title: string;
  /** Shown only when it is opened. */
  readonly collapsed?: boolean;
  readonly panels: readonly Panel[];
}

/** Series of the virtual nodes that are looked at. */
export const OF_NODE = 'virtual_node=~"$virtual_node"';

/** The same, of the namespaces and launch types that are looked at. */
export const OF_SELECTED = `${OF_NODE},namespace=~"$namespace",launch_type=~"$launch_type"`;

/** Queries for percentiles of a histogram. */
export function percentiles(histogram: string, selector: string): readonly Query[] {
  return [50, 95, 99].map((percentile) => ({
    expr: `histogram_quantile(${percentile / 100}, sum by (le) (rate(${histogram}_bucket{${selector}}[$__rate_interval])))`,
    legend: `p${percentile}`,
  }));
}
