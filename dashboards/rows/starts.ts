import { OF_NODE, percentiles, type Row } from '../panel.ts';

export const starts: Row = {
  title: 'How fast pods start',
  panels: [
    {
      title: 'Started within $target s',
      description: 'Share of the pods that were Ready within the target, over the whole time that is shown.',
      kind: 'stat',
      unit: 'percentunit',
      width: 6,
      queries: [
        {
          expr: `sum(increase(nodeless_pod_start_seconds_bucket{${OF_NODE},le=~"$target(.0)?"}[$__range])) / sum(increase(nodeless_pod_start_seconds_count{${OF_NODE}}[$__range]))`,
          legend: 'within the target',
        },
      ],
    },
    {
      title: 'From creation to Ready',
      description: 'Percentiles over pods. It has the pull of images and readiness probes in it.',
      kind: 'timeseries',
      unit: 's',
      width: 9,
      queries: percentiles('nodeless_pod_start_seconds', OF_NODE),
    },
    {
      title: 'Where the time goes until a cell has its pod',
      description:
        'Mean of each stage. queue: waits for its turn; launch: until the cloud accepts; boot: until its kubelet is Ready; deliver: until it is shown the pod.',
      kind: 'timeseries',
      unit: 's',
      stacked: true,
      width: 9,
      queries: [
        {
          expr: `sum by (stage) (rate(nodeless_cell_start_stage_seconds_sum{${OF_NODE}}[$__rate_interval])) / sum by (stage) (rate(nodeless_cell_start_stage_seconds_count{${OF_NODE}}[$__rate_interval]))`,
          legend: '{{stage}}',
        },
      ],
    },
    {
      title: 'Starts',
      description: 'How many pods became Ready, by how long it took.',
      kind: 'heatmap',
      unit: 's',
      width: 12,
      queries: [
        {
          expr: `sum by (le) (increase(nodeless_pod_start_seconds_bucket{${OF_NODE}}[$__rate_interval]))`,
          legend: '{{le}}',
        },
      ],
    },
    {
      title: 'Pods without a cell',
      description: 'By the reason that their events tell: docs/errors.md has what each means.',
      kind: 'timeseries',
      stacked: true,
      width: 6,
      queries: [{ expr: `sum by (reason) (nodeless_pods_waiting{${OF_NODE}}) or vector(0)`, legend: '{{reason}}' }],
    },
    {
      title: 'Age of the oldest without a cell',
      description: 'Grows without end when nothing offered can take a pod.',
      kind: 'timeseries',
      unit: 's',
      width: 6,
      queries: [
        {
          expr: `max by (reason) (nodeless_pods_waiting_oldest_seconds{${OF_NODE}}) or vector(0)`,
          legend: '{{reason}}',
        },
      ],
    },
  ],
};
