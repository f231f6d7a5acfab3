import type { Registry } from 'prom-client';
import { counterIn, gaugeIn } from '../telemetry/metrics.ts';
import type { Route } from './route.ts';

export interface EndpointMetrics {
  /** One request answered with this HTTP status; 101 for an upgraded one. */
  answered(kind: Route['kind'], status: number): void;
  streams(change: 1 | -1): void;
  cellScrapeFailed(): void;
}

/** Registers the endpoint's series with the given registry, or finds them there. */
export function createEndpointMetrics(registry: Registry): EndpointMetrics {
  const requests = counterIn(registry, {
    name: 'nodeless_kubelet_endpoint_requests_total',
    help: 'Requests to the kubelet endpoint by route and HTTP status.',
    labelNames: ['route', 'code'],
  });
  const streams = gaugeIn(registry, {
    name: 'nodeless_kubelet_endpoint_streams',
    help: 'Proxied log, exec, attach and port-forward streams that are open.',
  });
  const failures = counterIn(registry, {
    name: 'nodeless_kubelet_endpoint_cell_scrape_failures_total',
    help: 'Cells that gave no usable statistics within the deadline, each time they were asked.',
  });
  return {
    answered: (route, code) => requests.inc({ route, code }),
    streams: (change) => streams.inc(change),
    cellScrapeFailed: () => failures.inc(),
  };
}
