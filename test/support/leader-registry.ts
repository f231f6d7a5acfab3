import { Registry } from 'prom-client';
import { cellApiMetrics } from '../../src/cell-api/metrics.ts';
import type { Book } from '../../src/cells/book.ts';
import { observeCells, orphanCounter } from '../../src/cells/metrics.ts';
import { metrics } from '../../src/config/metrics-fields.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import type { Collection } from '../../src/kube/collection.ts';
import type { WirePod } from '../../src/kube/wire-pod.ts';
import { createEndpointMetrics } from '../../src/kubelet-endpoint/metrics.ts';
import { observeAlternatives } from '../../src/pods/alternative-metrics.ts';
import { showCapacity } from '../../src/pods/capacity-metrics.ts';
import { observePods, showQueue } from '../../src/pods/metrics.ts';
import { showExpiry } from '../../src/telemetry/certificate-metrics.ts';
import { showLeadership } from '../../src/telemetry/leadership-metrics.ts';
import { showOfferings } from '../../src/telemetry/offering-metrics.ts';
import { zoneMetrics } from '../../src/telemetry/zone-metrics.ts';
import { pageMetrics } from '../../src/ui/server.ts';
import type { KeptPool } from '../../src/warm-pool/kept-pool.ts';
import { observePools } from '../../src/warm-pool/metrics.ts';

/** What a leader's series are made of. */
export interface LeaderParts {
  readonly book: Book;
  readonly pods: Collection<WirePod>;
  readonly pools: readonly KeptPool[];
  readonly perCell: boolean;
  readonly clock?: Clock;
}

/** Every series that whoever leads a virtual node has, over these parts, and what counts the events that come from elsewhere. */
export function leaderRegistry({ book, pods, pools, perCell, clock = systemClock }: LeaderParts) {
  const registry = new Registry();
  registry.setDefaultLabels({ virtual_node: 'nodeless' });
  showLeadership(registry, () => 0);
  orphanCounter(registry, clock);
  observeCells({ book, registry, clock, perCell });
  observePods({ pods, registry, clock });
  observeAlternatives({ pods, registry, clock, prices: metrics.parse({}).alternatives });
  showQueue(registry, () => 0);
  showOfferings({ offered: () => undefined, registry, clock });
  showExpiry(registry);
  showCapacity({ pods, capacity: { cpu: '1024', memory: '4Ti', 'nvidia.com/gpu': '10', pods: '1k' }, registry });
  zoneMetrics(registry, () => false);
  const poolStarted = observePools(registry, () => pools);
  const cellApi = cellApiMetrics(registry);
  const endpoint = createEndpointMetrics(registry);
  pageMetrics(registry, () => 0);
  return { registry, poolStarted, cellApi, endpoint };
}
