import type { Counter, Gauge, Registry } from 'prom-client';
import { counterIn, gaugeIn } from '../telemetry/metrics.ts';

export interface CellApiMetrics {
  readonly requests: Counter<'resource' | 'verb' | 'code'>;
  readonly denials: Counter<'reason'>;
  readonly watches: Gauge<'resource'>;
}

/** The cell API's metrics; a second cell API of the same process shares the first one's. */
export function cellApiMetrics(registry: Registry): CellApiMetrics {
  return {
    requests: counterIn(registry, {
      name: 'nodeless_cell_api_requests_total',
      help: 'Requests of cells, by resource, verb and HTTP status.',
      labelNames: ['resource', 'verb', 'code'],
    }),
    denials: counterIn(registry, {
      name: 'nodeless_cell_api_denials_total',
      help: 'Requests that were denied, by reason.',
      labelNames: ['reason'],
    }),
    watches: gaugeIn(registry, {
      name: 'nodeless_cell_api_watches',
      help: 'Watches that cells have open, by resource.',
      labelNames: ['resource'],
    }),
  };
}
