import type { Registry } from 'prom-client';
import type { Clock } from '../core/clock.ts';
import type { Offering } from '../core/offerings.ts';
import { gaugeIn } from './metrics.ts';

/** What was offered at one time. */
export interface Offered {
  readonly atMs: number;
  readonly offerings: readonly { readonly offering: Offering; readonly canBeHad: boolean }[];
}

/** Shows in a registry what is offered, as it was read last, and what of it can be had now. */
export function showOfferings({
  offered,
  registry,
  clock,
}: {
  /** Undefined before it was read first. */
  readonly offered: () => Offered | undefined;
  readonly registry: Registry;
  readonly clock: Clock;
}): void {
  gaugeIn(registry, {
    name: 'nodeless_offerings',
    help: 'Offerings of the cloud, by launch type, zone and whether they can be had: available, or lacking after a launch has failed.',
    labelNames: ['launch_type', 'zone', 'state'],
    collect: (gauge) => {
      for (const { offering, canBeHad } of offered()?.offerings ?? []) {
        const { launchType: launch_type, zone } = offering;
        gauge.inc({ launch_type, zone, state: canBeHad ? 'available' : 'lacking' });
      }
    },
  });
  gaugeIn(registry, {
    name: 'nodeless_offerings_age_seconds',
    help: 'For how long the offerings and their prices have not been read again; grows while the cloud does not tell them, or nobody asks.',
    collect: (gauge) => {
      const known = offered();
      if (known !== undefined) gauge.set((clock.now() - known.atMs) / 1_000);
    },
  });
}
