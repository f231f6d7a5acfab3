import { percentiles, type Row } from '../panel.ts';

export const routing: Row = {
  title: 'Routing',
  collapsed: true,
  panels: [
    {
      title: 'Decisions',
      description: 'Pods that were judged, by decision and reason: docs/routing.md has the table.',
      kind: 'timeseries',
      unit: 'reqps',
      stacked: true,
      width: 12,
      queries: [
        {
          expr: 'sum by (decision, reason) (rate(nodeless_webhook_decisions_total[$__rate_interval]))',
          legend: '{{decision}}: {{reason}}',
        },
      ],
    },
    {
      title: 'How long the webhooks take',
      description: 'From a whole request to its answer. API servers give up after webhook timeouts of seconds.',
      kind: 'timeseries',
      unit: 's',
      width: 12,
      queries: percentiles('nodeless_webhook_request_duration_seconds', 'path=~"/.*"'),
    },
  ],
};
