import { type CellClassSpec, parseCellClass } from '../../../src/core/cell-class.ts';
import { resourcesOf } from '../../../src/core/resources.ts';

/** Size of a class's root volume. */
export function rootVolumeBytesOf({ rootVolume }: CellClassSpec): number {
  return resourcesOf({ 'ephemeral-storage': rootVolume.size }).ephemeralStorageBytes;
}

/** Size of the root volume that offerings are sized and priced with: that of a class that does not say. */
export const DEFAULT_ROOT_VOLUME_BYTES = rootVolumeBytesOf(parseCellClass({ metadata: { name: 'default' } }).spec);
