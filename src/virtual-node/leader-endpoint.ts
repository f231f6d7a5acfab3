import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { call } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';

export interface LeaderEndpointOptions {
  /** Of the EndpointSlice, which is there already: its name alone is granted. */
  readonly namespace: string;
  readonly name: string;
  /** Where this replica serves the cell API. */
  readonly address: string;
  readonly port: number;
  /** Writes no longer than this replica leads. */
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A write that changes nothing costs nothing, and whoever else wrote is corrected. */
const LOOK_EVERY_MS = 30_000;
const RETRY_MS = 2_000;

/** Keeps a Service's only endpoint at this replica until the signal aborts: cells find whoever leads. */
export async function keepLeaderEndpoint(options: LeaderEndpointOptions, signal: AbortSignal): Promise<void> {
  const { namespace, name, address, port, client, clock, logger } = options;
  const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices/${name}`;
  const body = {
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ name: 'cell-api', port, protocol: 'TCP' }],
  };
  let failing = false;
  while (!signal.aborted) {
    try {
      await call(client, { method: 'PATCH', path, contentType: 'application/merge-patch+json', body, signal });
      if (failing) logger.info({ service: name }, 'cells find this replica again');
      failing = false;
    } catch (error) {
      if (signal.aborted) return;
      const reason = messageOf(error);
      if (!failing)
        logger.warn({ service: name, reason }, 'cells do not find this replica; is it installed as it runs?');
      failing = true;
    }
    await clock.sleep(failing ? RETRY_MS : LOOK_EVERY_MS, signal).catch(() => undefined);
  }
}
