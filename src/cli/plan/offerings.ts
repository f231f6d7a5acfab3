import { statfs } from 'node:fs/promises';
import { hostSize } from '../../../providers/local/cell-machine.ts';
import { localOfferings } from '../../../providers/local/offerings.ts';
import { simulatedOfferings } from '../../../providers/simulated/offerings.ts';
import type { Config } from '../../config/schema.ts';
import type { Offering } from '../../core/offerings.ts';

/** What a provider offers, without starting it: nothing is prepared, written or launched. */
export async function offeringsOf(provider: Config['provider']): Promise<readonly Offering[]> {
  if (provider === 'simulated') return simulatedOfferings(['simulated-a']);
  const disk = await statfs('/');
  return localOfferings({ ...hostSize(), diskBytes: disk.blocks * disk.bsize, arch: process.arch });
}
