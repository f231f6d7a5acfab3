import { createAwsClient } from '../../providers/aws-ec2/api/aws-client.ts';
import { readSpotPrices, readTypes, readZones } from '../../providers/aws-ec2/catalogue/sources.ts';
import { awsEc2Settings } from '../../src/config/aws-ec2.ts';
import { parseConfig } from '../../src/config/load.ts';
import { systemClock as clock } from '../../src/core/clock.ts';
import { BED_REGION, bedCredentials, startAwsBed } from '../support/aws/bed.ts';

const PREPARE_TIMEOUT_MS = 240_000;

/** Makes ready, on a machine that has nothing, the emulator of AWS, and what it takes long to answer. */
export async function setup(): Promise<void> {
  bedCredentials();
  const bed = await startAwsBed();
  const awsEc2 = { region: BED_REGION, endpoint: bed.url };
  const settings = awsEc2Settings(parseConfig({ virtualNode: { address: '10.0.0.1' }, awsEc2 }, 'the bed'));
  const client = createAwsClient({ settings, clock });
  const signal = AbortSignal.timeout(PREPARE_TIMEOUT_MS);
  try {
    await readTypes(client, signal);
    await readZones(client, settings, signal);
    await readSpotPrices(client, clock.now(), signal);
  } finally {
    client.close();
    await bed.close();
  }
}
