import { type CellClassSpec, parseCellClass } from './cell-class.ts';
import type { Offering } from './offerings.ts';
import { resourcesOf } from './resources.ts';

const GiB = 2 ** 30;
/** What an hour of an offering costs is told to so many places. */
const PRICE_PLACES = 8;

/** Of a machine whose root volume has the size that its class asks for. */
export interface RootVolume {
  /** With which the offering is sized and priced. */
  readonly sizeBytes: number;
  readonly gibHourUsd: number;
  /** What of any size is not for pods: a share below which a kubelet evicts, and what the system takes. */
  readonly evictionShare: number;
  readonly systemBytes: number;
}

/** Size of a class's root volume. */
export function rootVolumeBytesOf({ rootVolume }: CellClassSpec): number {
  return resourcesOf({ 'ephemeral-storage': rootVolume.size }).ephemeralStorageBytes;
}

/** Size of the root volume of a class that does not say. */
export const DEFAULT_ROOT_VOLUME_BYTES = rootVolumeBytesOf(parseCellClass({ metadata: { name: 'default' } }).spec);

/** What pods may have of a root volume of that size. */
export function usableDiskBytes(sizeBytes: number, { evictionShare, systemBytes }: RootVolume): number {
  return Math.max(0, Math.floor(sizeBytes * (1 - evictionShare)) - systemBytes);
}

/** The offering with the root volume that a class asks for. */
export function withRootVolume(offering: Offering, spec: CellClassSpec): Offering {
  const { rootVolume, capacity, allocatable, pricePerHourUsd } = offering;
  const sizeBytes = rootVolumeBytesOf(spec);
  if (rootVolume === undefined || rootVolume.sizeBytes === sizeBytes) return offering;
  const moreUsd = ((sizeBytes - rootVolume.sizeBytes) / GiB) * rootVolume.gibHourUsd;
  return {
    ...offering,
    capacity: { ...capacity, ephemeralStorageBytes: sizeBytes },
    allocatable: { ...allocatable, ephemeralStorageBytes: usableDiskBytes(sizeBytes, rootVolume) },
    pricePerHourUsd: Number((pricePerHourUsd + moreUsd).toFixed(PRICE_PLACES)),
    rootVolume: { ...rootVolume, sizeBytes },
  };
}
