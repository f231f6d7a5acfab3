import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type AwsClient, createAwsClient } from '../../../../providers/aws-ec2/api/aws-client.ts';
import { examineAws } from '../../../../src/cli/doctor/aws/examine-aws.ts';
import { awsEc2Settings } from '../../../../src/config/aws-ec2.ts';
import { parseConfig } from '../../../../src/config/load.ts';
import { systemClock as clock } from '../../../../src/core/clock.ts';
import { type AwsBed, BED_REGION, bedCredentials, startAwsBed } from '../../../support/aws/bed.ts';
import { QUEUE_URL } from '../../../support/aws/interruption-queue.ts';
import { machinesIn } from './cells.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let bed: AwsBed;
const clients: AwsClient[] = [];

beforeAll(async () => {
  bedCredentials();
  bed = await startAwsBed();
});
afterEach(() => bed.set({}));
afterAll(async () => {
  for (const client of clients) client.close();
  await bed.close();
});

/** What the doctor finds, by what it looks at. */
async function outcomes(given: object = {}, kubeletVersion = 'v1.34.4') {
  const subnets = [...bed.subnets.values()];
  const awsEc2 = { region: BED_REGION, endpoint: bed.url, subnets, interruptionQueue: QUEUE_URL, ...given };
  const settings = awsEc2Settings(parseConfig({ virtualNode: { address: '10.0.0.1' }, awsEc2 }, 'test'));
  const client = createAwsClient({ settings, clock });
  clients.push(client);
  const patient = { client, settings, kubeletVersion, cellApiPort: 8443, signal: AbortSignal.timeout(90_000) };
  const findings = await examineAws(patient);
  return Object.fromEntries(findings.map((one) => [one.check, one]));
}

describe('nodeless doctor aws', () => {
  test('finds nothing wrong where nothing is, and changes nothing', async () => {
    bed.queue.send('EC2 Instance State-change Notification', {});
    const found = await outcomes();
    for (const check of ['permissions', 'subnets', 'image', 'interruptions'])
      expect(found[check]).toMatchObject({ outcome: 'ok' });
    expect(found['security groups']).toMatchObject({ outcome: 'warning' });
    expect(bed.queue.size).toBe(1);
    expect(await machinesIn(bed)).toEqual([]);
  });

  test('names each action that may not be done', async () => {
    const refuse = { status: 403, code: 'UnauthorizedOperation' };
    bed.set({ actions: { 'ec2:CreateFleet': { refuse }, 'ec2:DescribeInstances': { refuse } } });
    const { permissions } = await outcomes();
    const detail = 'ec2:DescribeInstances, ec2:CreateFleet may not be done';
    expect(permissions).toMatchObject({ outcome: 'failed', detail, fix: expect.stringContaining('deploy/iam') });
  });

  test.each([
    ['subnets', { subnets: ['subnet-0123456789abcdef0'] }, 'failed'],
    ['subnets', { subnets: [] }, 'failed'],
    ['security groups', { securityGroups: ['sg-0123456789abcdef0'] }, 'failed'],
    ['interruptions', { interruptionQueue: undefined }, 'warning'],
    ['interruptions', { interruptionQueue: `${QUEUE_URL}-gone` }, 'failed'],
  ])('finds wrong %s: %j', async (check, given, outcome) => {
    expect((await outcomes(given))[check]).toMatchObject({ outcome });
  });

  test('finds that there is no image of a Kubernetes minor', async () => {
    expect((await outcomes({}, 'v2.0.0')).image).toMatchObject({ outcome: 'failed' });
  });

  test('says what it could not look at', async () => {
    bed.set({ actions: { 'ec2:DescribeSubnets': { loseAnswer: 'cut' } } });
    expect((await outcomes()).subnets).toMatchObject({ outcome: 'unknown' });
  });
});
