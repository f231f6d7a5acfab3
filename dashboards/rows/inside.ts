import { OF_NODE, type Row } from '../panel.ts';

export const inside: Row = {
  title: 'The provider itself',
  collapsed: true,
  panels: [
    {
      title: 'Lease',
      description: 'For how long no other replica can lead. At 0 nobody launches or ends cells.',
      kind: 'timeseries',
      unit: 's',
      width: 6,
      queries: [{ expr: `nodeless_lease_held_seconds{${OF_NODE}}`, legend: '{{virtual_node}}' }],
    },
    {
      title: 'Event loop',
      description: 'The 99th percentile of its delay. Over 50 ms for long: the process is short of CPU.',
      kind: 'timeseries',
      unit: 's',
      width: 6,
      queries: [
        {
          expr: 'nodejs_eventloop_lag_p99_seconds and on (instance) nodeless_build_info',
          legend: '{{instance}}',
        },
      ],
    },
    {
      title: 'Memory',
      description: 'Of each replica.',
      kind: 'timeseries',
      unit: 'bytes',
      width: 6,
      queries: [
        { expr: 'process_resident_memory_bytes and on (instance) nodeless_build_info', legend: '{{instance}}' },
      ],
    },
    {
      title: 'CPU',
      description: 'Of each replica, in cores.',
      kind: 'timeseries',
      width: 6,
      queries: [
        {
          expr: 'rate(process_cpu_seconds_total[$__rate_interval]) and on (instance) nodeless_build_info',
          legend: '{{instance}}',
        },
      ],
    },
    {
      title: 'Requests of cells',
      description: 'To the cell API, by HTTP status.',
      kind: 'timeseries',
      unit: 'reqps',
      width: 6,
      queries: [
        {
          expr: `sum by (code) (rate(nodeless_cell_api_requests_total{${OF_NODE}}[$__rate_interval]))`,
          legend: '{{code}}',
        },
      ],
    },
    {
      title: 'Requests of cells that were denied',
      description: 'By reason. A cell that asks for what is not its own may be in strange hands: docs/security.md.',
      kind: 'timeseries',
      unit: 'reqps',
      width: 6,
      queries: [
        {
          expr: `sum by (reason) (rate(nodeless_cell_api_denials_total{${OF_NODE}}[$__rate_interval])) or vector(0)`,
          legend: '{{reason}}',
        },
      ],
    },
    {
      title: 'Watches of cells',
      description: 'Open ones, by resource. They are served from memory.',
      kind: 'timeseries',
      width: 6,
      queries: [{ expr: `sum by (resource) (nodeless_cell_api_watches{${OF_NODE}})`, legend: '{{resource}}' }],
    },
    {
      title: 'Requests to the kubelet endpoint',
      description: 'Logs, exec, metrics and the rest, by route.',
      kind: 'timeseries',
      unit: 'reqps',
      width: 6,
      queries: [
        {
          expr: `sum by (route) (rate(nodeless_kubelet_endpoint_requests_total{${OF_NODE}}[$__rate_interval]))`,
          legend: '{{route}}',
        },
      ],
    },
    {
      title: 'Pods whose next step waits',
      description: 'Or is taken. Many for long: the API server or the cloud is slow.',
      kind: 'timeseries',
      width: 12,
      queries: [{ expr: `nodeless_work_queue_depth{${OF_NODE}}`, legend: '{{virtual_node}}' }],
    },
    {
      title: 'Certificates',
      description: 'For how long each is good. All are renewed long before their end.',
      kind: 'bargauge',
      unit: 's',
      width: 12,
      queries: [
        {
          expr: 'min by (certificate) (nodeless_certificate_expiration_timestamp_seconds) - time()',
          legend: '{{certificate}}',
        },
      ],
    },
  ],
};
