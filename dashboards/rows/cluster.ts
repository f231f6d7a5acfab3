import { OF_NODE, OF_SELECTED, type Row } from '../panel.ts';

/** The talk's four columns: nodes, control plane, worker nodes, cells. */
export const cluster: Row = {
  title: 'Nodes, control plane, worker nodes and cells',
  panels: [
    {
      title: 'Nodes',
      description: 'Virtual nodes with a leader, and regular nodes whose kubelets are scraped.',
      kind: 'stat',
      width: 6,
      height: 5,
      queries: [
        { expr: `count(nodeless_leader{${OF_NODE}} == 1)`, legend: 'virtual' },
        { expr: 'count(kubelet_node_name)', legend: 'regular' },
      ],
    },
    {
      title: 'Control plane',
      description: 'Components that answer their scrapes, by job.',
      kind: 'stat',
      width: 6,
      height: 5,
      queries: [
        { expr: 'sum by (job) (up{job=~"(kube-)?(apiserver|controller-manager|scheduler|etcd)"})', legend: '{{job}}' },
      ],
    },
    {
      title: 'Pods on worker nodes',
      description: 'What stays on regular nodes: pods that are tied to one, or say so.',
      kind: 'stat',
      width: 6,
      height: 5,
      queries: [
        {
          expr: 'count by (node) (count by (node, namespace, pod) (container_memory_working_set_bytes{pod!=""}) and on (node) kubelet_node_name)',
          legend: '{{node}}',
        },
      ],
    },
    {
      title: 'Cells',
      description: 'Machines, by how they were bought.',
      kind: 'stat',
      width: 6,
      height: 5,
      queries: [{ expr: `sum by (launch_type) (nodeless_cells{${OF_NODE}})`, legend: '{{launch_type}}' }],
    },
    {
      title: 'Requested of what is advertised',
      description: 'How full the virtual node is for the scheduler. Raise virtualNode.capacity before it is full.',
      kind: 'bargauge',
      unit: 'percentunit',
      width: 6,
      queries: [
        {
          expr: `sum by (resource) (nodeless_node_requested{${OF_NODE}}) / sum by (resource) (nodeless_node_allocatable{${OF_NODE}})`,
          legend: '{{resource}}',
        },
      ],
    },
    {
      title: 'Requests to the API server',
      description: 'Of everybody. Nodeless keeps one watch of each kind, however many cells there are.',
      kind: 'timeseries',
      unit: 'reqps',
      width: 6,
      queries: [{ expr: 'sum by (verb) (rate(apiserver_request_total[$__rate_interval]))', legend: '{{verb}}' }],
    },
    {
      title: 'Memory of worker nodes',
      description: 'What all containers of a regular node use.',
      kind: 'timeseries',
      unit: 'bytes',
      width: 6,
      queries: [
        {
          expr: 'sum by (node) (container_memory_working_set_bytes{id="/"} and on (node) kubelet_node_name)',
          legend: '{{node}}',
        },
      ],
    },
    {
      title: 'Cells by phase',
      description:
        'requested → launching → booting → ready → running → ending. Many in one phase for long: look at the cloud.',
      kind: 'timeseries',
      stacked: true,
      width: 6,
      queries: [{ expr: `sum by (phase) (nodeless_cells{${OF_NODE}})`, legend: '{{phase}}' }],
    },
    {
      title: 'Each cell',
      description: 'Its pod, machine and price an hour. Empty unless metrics.perCell is set.',
      kind: 'table',
      unit: 'currencyUSD',
      width: 24,
      queries: [{ expr: `nodeless_cell_price_dollars_per_hour{${OF_SELECTED}}` }],
    },
  ],
};
