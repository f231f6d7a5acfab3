import { Counter, Gauge, type Registry } from 'prom-client';
import type { Route } from './route.ts';

export interface EndpointMetrics {
  /** One request answered with this HTTP status; 101 for an upgraded one. */
  answered(kind: Route['kind'], status: number): void;
  streams(change: 1 | -1): void;
  cellScrapeFailed(): void;
}

/** The registry outlives an endpoint: whoever leads again goes on with the same series. */
function once<T>(registry: Registry, name: string, make: () => T): T {
  return (registry.getSingleMetric(name) as T | undefined) ?? make();
}

/** Registers the endpoint's series with the given registry, or finds them there. */
export function createEndpointMetrics(registry: Registry): EndpointMetrics {
  const registers = [registry];
  const requestsName = 'nodeless_kubelet_endpoint_requests_total';
  const requests = once(
    registry,
    requestsName,
    () =>
      new Counter({
        name: requestsName,
        help: 'Requests to the kubelet endpoint by route and HTTP status.',
        labelNames: ['route', 'code'] as const,
        registers,
      }),
  );
  const streamsName = 'nodeless_kubelet_endpoint_streams';
  const streamsHelp = 'Proxied log, exec, attach and port-forward streams that are open.';
  const streams = once(registry, streamsName, () => new Gauge({ name: streamsName, help: streamsHelp, registers }));
  const failuresName = 'nodeless_kubelet_endpoint_cell_scrape_failures_total';
  const failuresHelp = 'Cells that gave no usable statistics within the deadline, each time they were asked.';
  const failures = once(
    registry,
    failuresName,
    () => new Counter({ name: failuresName, help: failuresHelp, registers }),
  );
  return {
    answered: (route, code) => requests.inc({ route, code }),
    streams: (change) => streams.inc(change),
    cellScrapeFailed: () => failures.inc(),
  };
}
