import { statfs } from 'node:fs/promises';
import { createAwsClient } from '../../../providers/aws-ec2/api/aws-client.ts';
import { createCatalogue } from '../../../providers/aws-ec2/catalogue/catalogue.ts';
import { hostSize } from '../../../providers/local/cell-machine.ts';
import { localOfferings } from '../../../providers/local/offerings.ts';
import { simulatedOfferings } from '../../../providers/simulated/offerings.ts';
import { awsEc2Settings } from '../../config/aws-ec2.ts';
import type { Config } from '../../config/schema.ts';
import { systemClock as clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Offering } from '../../core/offerings.ts';
import { zonesOf } from '../../provider-choice.ts';

/** The providers whose offerings can be planned with. */
export const PLANNED_PROVIDERS = ['local', 'simulated', 'aws-ec2'] as const;
type PlannedProvider = (typeof PLANNED_PROVIDERS)[number];

async function localMachineOfferings(zones: readonly string[]): Promise<readonly Offering[]> {
  const disk = await statfs('/');
  return localOfferings({ ...hostSize(), diskBytes: disk.blocks * disk.bsize, arch: process.arch }, zones);
}

async function ec2Offerings(config: Config, signal: AbortSignal): Promise<readonly Offering[]> {
  const settings = awsEc2Settings(config);
  const client = createAwsClient({ settings, clock });
  const catalogue = createCatalogue({
    client,
    settings,
    clock,
    random: Math.random,
    onFailure: (part, error) => process.stderr.write(`the ${part} can not be read: ${messageOf(error)}\n`),
  });
  try {
    return await catalogue.offerings(signal);
  } finally {
    catalogue.stop();
    client.close();
  }
}

/** What a provider offers, without starting it: nothing is prepared, written or launched. */
export async function offeringsOf(
  provider: PlannedProvider,
  config: Config,
  signal: AbortSignal,
): Promise<readonly Offering[]> {
  const { names } = config.zones;
  if (provider === 'aws-ec2') {
    const offerings = await ec2Offerings(config, signal);
    return names.length === 0 ? offerings : offerings.filter(({ zone }) => names.includes(zone));
  }
  const zones = zonesOf(provider, config);
  return provider === 'simulated' ? simulatedOfferings(zones) : localMachineOfferings(zones);
}
