import { OF_NODE, OF_SELECTED, type Row } from '../panel.ts';

export const cost: Row = {
  title: 'What it costs',
  panels: [
    {
      title: 'Now, an hour',
      description: 'Price of all machines that run now.',
      kind: 'stat',
      unit: 'currencyUSD',
      width: 4,
      queries: [{ expr: `sum(nodeless_cells_price_dollars_per_hour{${OF_SELECTED}})`, legend: 'an hour' }],
    },
    {
      title: 'Paid for pods that run',
      description: 'The rest is paid for machines that start or end.',
      kind: 'stat',
      unit: 'percentunit',
      width: 4,
      queries: [
        {
          expr: `sum(increase(nodeless_cell_cost_dollars_total{${OF_SELECTED},use="run"}[$__range])) / sum(increase(nodeless_cell_cost_dollars_total{${OF_SELECTED}}[$__range]))`,
          legend: 'of what was paid',
        },
      ],
    },
    {
      title: 'An hour, by what machines do',
      description: 'start: until the pod is shown to the cell; run; end: until the cloud confirms the end.',
      kind: 'timeseries',
      unit: 'currencyUSD',
      stacked: true,
      width: 8,
      queries: [{ expr: `sum by (use) (nodeless_cells_price_dollars_per_hour{${OF_SELECTED}})`, legend: '{{use}}' }],
    },
    {
      title: 'Spent, by namespace',
      description: 'Over the whole time that is shown.',
      kind: 'bargauge',
      unit: 'currencyUSD',
      width: 8,
      queries: [
        {
          expr: `sum by (namespace) (increase(nodeless_cell_cost_dollars_total{${OF_SELECTED}}[$__range]))`,
          legend: '{{namespace}}',
        },
      ],
    },
    {
      title: 'Saved, an hour',
      description:
        'What the pods would cost now on Fargate, or in a fixed pool for the most that there was, less what the cells cost: docs/costs.md.',
      kind: 'timeseries',
      unit: 'currencyUSD',
      width: 12,
      queries: [
        {
          expr: `sum by (alternative) (nodeless:savings_dollars_per_hour:sum{${OF_NODE}})`,
          legend: 'against {{alternative}}',
        },
      ],
    },
    {
      title: 'Saved',
      description: 'Over the whole time that is shown.',
      kind: 'stat',
      unit: 'currencyUSD',
      width: 12,
      queries: [
        {
          expr: `sum by (alternative) (increase(nodeless_alternative_cost_dollars_total{${OF_NODE}}[$__range])) - on () group_left () sum(increase(nodeless_cell_cost_dollars_total{${OF_NODE}}[$__range]))`,
          legend: 'against {{alternative}}',
        },
      ],
    },
  ],
};
