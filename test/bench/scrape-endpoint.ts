/** The kubelet endpoint by itself, in the process that is measured. Callers are reviewed by a table. */
import { pino } from 'pino';
import { systemClock } from '../../src/core/clock.ts';
import { createCellClient } from '../../src/kubelet-endpoint/cell-client.ts';
import type { RunningCell, UpstreamTls } from '../../src/kubelet-endpoint/ports.ts';
import { createKubeletEndpoint } from '../../src/kubelet-endpoint/server.ts';
import { busyLeader } from '../support/busy-leader.ts';
import { fakeApi } from '../unit/kubelet-endpoint/support/fake-api.ts';

/** What the parent sends. */
export interface EndpointOrder {
  readonly running: readonly RunningCell[];
  readonly upstream: UpstreamTls;
  readonly clientCaPem: string;
}

process.once('message', async ({ running, upstream, clientCaPem }: EndpointOrder) => {
  const api = fakeApi();
  api.allowed.add('admin *');
  const host = '127.0.0.1';
  const endpoint = createKubeletEndpoint({
    ...{ nodeName: 'nodeless', host, port: 0, addresses: [host], clientCaPem },
    cells: { ofPod: () => ({ missing: 'not asked for' }), running: () => running },
    cellClient: createCellClient(() => upstream, 5_000),
    client: api.client,
    pods: { synced: true, items: () => [] },
    certificate: { from: 'self-signed' },
    // Of a leader with as many cells, each of which has a series.
    registry: busyLeader(running.length, true),
    logger: pino({ level: 'silent' }),
    clock: systemClock,
  });
  const { port } = await endpoint.start(new AbortController().signal);
  process.send?.(port);
});
process.once('disconnect', () => process.exit(0));
