import { OF_NODE, type Row } from '../panel.ts';

export const cloud: Row = {
  title: 'Capacity and the cloud',
  panels: [
    {
      title: 'Calls',
      description: 'By operation. They are bounded: the number of cells does not show in list.',
      kind: 'timeseries',
      unit: 'reqps',
      width: 6,
      queries: [
        {
          expr: 'sum by (operation) (rate(nodeless_provider_call_duration_seconds_count[$__rate_interval]))',
          legend: '{{operation}}',
        },
      ],
    },
    {
      title: 'Calls that failed',
      description:
        'By operation and error: InsufficientCapacity is passed over to the next offering, Unauthorized wants a permission.',
      kind: 'timeseries',
      unit: 'reqps',
      width: 6,
      queries: [
        {
          expr: 'sum by (operation, outcome) (rate(nodeless_provider_call_duration_seconds_count{outcome!~"ok|Aborted"}[$__rate_interval])) or vector(0)',
          legend: '{{operation}} {{outcome}}',
        },
      ],
    },
    {
      title: 'How long calls take',
      description: 'The 99th percentile, by operation.',
      kind: 'timeseries',
      unit: 's',
      width: 6,
      queries: [
        {
          expr: 'histogram_quantile(0.99, sum by (le, operation) (rate(nodeless_provider_call_duration_seconds_bucket[$__rate_interval])))',
          legend: '{{operation}}',
        },
      ],
    },
    {
      title: 'Cells that ended',
      description: 'lost: the machine ended under its pod, or never came.',
      kind: 'timeseries',
      width: 6,
      queries: [
        {
          expr: `sum by (outcome) (increase(nodeless_cells_ended_total{${OF_NODE}}[$__rate_interval])) or vector(0)`,
          legend: '{{outcome}}',
        },
      ],
    },
    {
      title: 'Offerings',
      description: 'lacking: left alone for a while after a launch has failed.',
      kind: 'timeseries',
      stacked: true,
      width: 12,
      queries: [
        {
          expr: `sum by (launch_type, state) (nodeless_offerings{${OF_NODE}})`,
          legend: '{{launch_type}} {{state}}',
        },
      ],
    },
    {
      title: 'Age of the price list',
      description: 'Since offerings and prices were read last. They are read again when a pod comes after a minute.',
      kind: 'timeseries',
      unit: 's',
      width: 12,
      queries: [{ expr: `nodeless_offerings_age_seconds{${OF_NODE}}`, legend: '{{virtual_node}}' }],
    },
  ],
};
