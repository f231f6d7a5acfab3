import type { LaunchType, Offering } from '../../../src/core/offerings.ts';
import { DEFAULT_ROOT_VOLUME_BYTES, type RootVolume } from '../../../src/core/root-volume.ts';
import type { AwsEc2Settings } from '../settings.ts';
import { estimateHourUsd, estimateSpotHourUsd } from './estimate.ts';
import type { MachineType } from './machine-type.ts';
import { quotaOf } from './quota.ts';
import { ROOT_VOLUME_USE, reservedCpuMilli, resourcesOf } from './usable.ts';

/** What AWS has told, from which offerings are made. */
export interface Market {
  readonly types: readonly MachineType[];
  /** Names of the types that a zone has, by zone. */
  readonly typesByZone: ReadonlyMap<string, ReadonlySet<string>>;
  /** USD per hour by type; undefined where the price list can't be read. */
  readonly onDemand: ReadonlyMap<string, number> | undefined;
  /** USD per hour by zone and type; undefined where spot prices can't be read. */
  readonly spot: ReadonlyMap<string, ReadonlyMap<string, number>> | undefined;
}

interface Price {
  readonly usd: number;
  readonly isEstimated: boolean;
}

const GiB = 2 ** 30;
const HOURS_OF_MONTH = 730;
/** Eight places: a root volume's hour costs tenths of cents. */
const PLACES = 8;

/** The root volume that offerings are sized and priced with: that of a class that does not say. */
function rootVolumeOf({ prices }: AwsEc2Settings): RootVolume {
  const gibHourUsd = prices.volumeGiBMonthUsd / HOURS_OF_MONTH;
  return { ...ROOT_VOLUME_USE, sizeBytes: DEFAULT_ROOT_VOLUME_BYTES, gibHourUsd };
}

/** What an hour of a cell costs beside its compute. */
function extrasHourUsd({ prices, publicAddress }: AwsEc2Settings, { sizeBytes, gibHourUsd }: RootVolume): number {
  return (sizeBytes / GiB) * gibHourUsd + (publicAddress ? prices.publicAddressHourUsd : 0);
}

/** What pods may count on of a burstable type: the kubelet's share is of the same CPU. */
function baselineOf({ baselineCpuMilli, vcpus }: MachineType): Pick<Offering, 'baselineCpuMilli'> {
  if (baselineCpuMilli === undefined) return {};
  return { baselineCpuMilli: Math.max(0, baselineCpuMilli - reservedCpuMilli(vcpus)) };
}

function discounted(type: MachineType, usd: number, { discounts }: AwsEc2Settings): number {
  const [family = ''] = type.name.split('.');
  const percent = discounts[family] ?? discounts['*'] ?? 0;
  return usd * (1 - percent / 100);
}

function listPrice(type: MachineType, { onDemand }: Market): Price {
  const usd = onDemand?.get(type.name);
  return usd === undefined ? { usd: estimateHourUsd(type), isEstimated: true } : { usd, isEstimated: false };
}

/** Undefined where EC2 tells spot prices, and none of this type in this zone: it can't be had. */
function spotPrice(type: MachineType, zone: string, market: Market): Price | undefined {
  if (!type.isSpot) return undefined;
  if (market.spot === undefined) return { usd: estimateSpotHourUsd(listPrice(type, market).usd), isEstimated: true };
  const usd = market.spot.get(zone)?.get(type.name);
  return usd === undefined ? undefined : { usd, isEstimated: false };
}

/** Every way to buy a cell: type by zone by launch type, at what all of the cell costs. */
export function offeringsOf(market: Market, settings: AwsEc2Settings): readonly Offering[] {
  const rootVolume = rootVolumeOf(settings);
  const extras = extrasHourUsd(settings, rootVolume);
  const counted = market.types.filter(
    ({ isMetal, isCurrentGeneration }) =>
      (settings.includeMetal || !isMetal) && (settings.includePreviousGeneration || isCurrentGeneration),
  );
  return counted.flatMap((type) => {
    const { capacity, allocatable } = resourcesOf(type, rootVolume);
    if (allocatable.memoryBytes === 0) return [];
    const list = listPrice(type, market);
    const onDemand = { ...list, usd: discounted(type, list.usd, settings) };
    const offering = (launchType: LaunchType, zone: string, { usd, isEstimated }: Price): Offering => ({
      instanceType: type.name,
      launchType,
      zone,
      arch: type.arch,
      capacity,
      allocatable,
      ...baselineOf(type),
      pricePerHourUsd: Number((usd + extras).toFixed(PLACES)),
      ...(isEstimated ? { isPriceEstimated: true } : {}),
      available: true,
      rootVolume,
      quota: quotaOf(type),
    });
    return [...market.typesByZone].flatMap(([zone, names]) => {
      if (!names.has(type.name)) return [];
      const spot = spotPrice(type, zone, market);
      const bought = type.isOnDemand ? [offering('ec2-on-demand', zone, onDemand)] : [];
      return spot === undefined ? bought : [...bought, offering('ec2-spot', zone, spot)];
    });
  });
}
