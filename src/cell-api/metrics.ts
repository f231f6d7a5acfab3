import { Counter, Gauge, type Registry } from 'prom-client';

export interface CellApiMetrics {
  readonly requests: Counter<'resource' | 'verb' | 'code'>;
  readonly denials: Counter<'reason'>;
  readonly watches: Gauge<'resource'>;
}

/** The cell API's metrics; a second cell API of the same process shares the first one's. */
export function cellApiMetrics(registry: Registry): CellApiMetrics {
  const registers = [registry];
  const existing = <T>(name: string): T | undefined => registry.getSingleMetric(name) as T | undefined;
  return {
    requests:
      existing('nodeless_cell_api_requests_total') ??
      new Counter({
        name: 'nodeless_cell_api_requests_total',
        help: 'Requests of cells, by resource, verb and HTTP status.',
        labelNames: ['resource', 'verb', 'code'],
        registers,
      }),
    denials:
      existing('nodeless_cell_api_denials_total') ??
      new Counter({
        name: 'nodeless_cell_api_denials_total',
        help: 'Requests that were denied, by reason.',
        labelNames: ['reason'],
        registers,
      }),
    watches:
      existing('nodeless_cell_api_watches') ??
      new Gauge({
        name: 'nodeless_cell_api_watches',
        help: 'Watches that cells have open, by resource.',
        labelNames: ['resource'],
        registers,
      }),
  };
}
