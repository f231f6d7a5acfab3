import { OF_NODE, type Row } from '../panel.ts';

export const pools: Row = {
  title: 'Warm pools',
  panels: [
    {
      title: 'Cells that wait',
      description: 'desired, ready, booting, and claimed by pods, of all pools.',
      kind: 'timeseries',
      width: 6,
      queries: [{ expr: `sum by (state) (nodeless_pool_cells{${OF_NODE}})`, legend: '{{state}}' }],
    },
    {
      title: 'Started in time',
      description: 'Share of the pods of each pool that started within its target, over the whole time that is shown.',
      kind: 'stat',
      unit: 'percentunit',
      width: 6,
      queries: [
        {
          expr: `sum by (pool) (increase(nodeless_pool_starts_in_time_total{${OF_NODE}}[$__range])) / sum by (pool) (increase(nodeless_pool_start_seconds_count{${OF_NODE}}[$__range]))`,
          legend: '{{pool}}',
        },
      ],
    },
    {
      title: 'Starts',
      description: 'warm: a hit; booting: on a cell that was on its way; cold: a miss.',
      kind: 'timeseries',
      stacked: true,
      width: 6,
      queries: [
        {
          expr: `sum by (kind) (increase(nodeless_pool_start_seconds_count{${OF_NODE}}[$__rate_interval]))`,
          legend: '{{kind}}',
        },
      ],
    },
    {
      title: 'An hour, for cells that wait',
      description: 'By pool. spec.budget bounds it.',
      kind: 'timeseries',
      unit: 'currencyUSD',
      stacked: true,
      width: 6,
      queries: [{ expr: `sum by (pool) (nodeless_pool_price_dollars_per_hour{${OF_NODE}})`, legend: '{{pool}}' }],
    },
  ],
};
