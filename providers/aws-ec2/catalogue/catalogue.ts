import type { Clock } from '../../../src/core/clock.ts';
import type { Offering } from '../../../src/core/offerings.ts';
import type { AwsClient } from '../api/aws-client.ts';
import type { AwsEc2Settings } from '../settings.ts';
import { offeringsOf } from './offerings.ts';
import { Refreshed } from './refreshed.ts';
import { readPriceList, readSpotPrices, readTypes, readZones } from './sources.ts';

/** What can be out of reach without the others. */
export type MarketPart = 'types' | 'zones' | 'price list' | 'spot prices';

export interface CatalogueOptions {
  readonly client: AwsClient;
  readonly settings: AwsEc2Settings;
  readonly clock: Clock;
  readonly random: () => number;
  /** Told once of each time in which a part can't be read. */
  readonly onFailure: (part: MarketPart, error: unknown) => void;
}

const HOUR_MS = 3_600_000;
/** Types and zones change with what AWS announces, prices on demand about as rarely. */
const SLOW_MS = 12 * HOUR_MS;
/** Spot prices follow supply over hours. */
const SPOT_MS = HOUR_MS / 6;

/** What EC2 offers and at what price, as it was read last. */
export interface Catalogue {
  /** @throws NodelessError of the provider contract where types or zones have never been read */
  offerings(signal: AbortSignal): Promise<readonly Offering[]>;
  stop(): void;
}

export function createCatalogue(options: CatalogueOptions): Catalogue {
  const { client, settings, clock, random } = options;

  function part<T>(name: MarketPart, renewAfterMs: number, load: (signal: AbortSignal) => Promise<T>): Refreshed<T> {
    const onFailure = (error: unknown) => options.onFailure(name, error);
    return new Refreshed({ load, renewAfterMs, clock, random, onFailure });
  }

  const types = part('types', SLOW_MS, (signal) => readTypes(client, signal));
  const zones = part('zones', SLOW_MS, (signal) => readZones(client, settings, signal));
  const onDemand = part('price list', SLOW_MS, (signal) => readPriceList(client, settings.region, signal));
  const spot = part('spot prices', SPOT_MS, (signal) => readSpotPrices(client, clock.now(), signal));

  return {
    async offerings(signal) {
      const market = await Promise.all([
        types.get(signal),
        zones.get(signal),
        onDemand.getOrNone(signal),
        spot.getOrNone(signal),
      ]);
      const [known, typesByZone, onDemandUsd, spotUsd] = market;
      return offeringsOf({ types: known, typesByZone, onDemand: onDemandUsd, spot: spotUsd }, settings);
    },
    stop() {
      for (const one of [types, zones, onDemand, spot]) one.stop();
    },
  };
}
