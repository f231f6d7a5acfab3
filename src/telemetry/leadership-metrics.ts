import type { Registry } from 'prom-client';
import { gaugeIn } from './metrics.ts';

/** Shows in a registry that this replica leads, and for how long no other can. */
export function showLeadership(registry: Registry, heldForMs: () => number): void {
  gaugeIn(registry, {
    name: 'nodeless_leader',
    help: '1 on the replica that leads the virtual node while it may act, 0 while its lease can not be renewed.',
    collect: (gauge) => gauge.set(heldForMs() > 0 ? 1 : 0),
  });
  gaugeIn(registry, {
    name: 'nodeless_lease_held_seconds',
    help: 'For how long no other replica can lead: falls towards 0 while the lease can not be renewed.',
    collect: (gauge) => gauge.set(heldForMs() / 1_000),
  });
}
