import { describe, expect, test } from 'vitest';
import { createProvider } from '../../../../providers/registry.ts';
import { awsEc2Settings } from '../../../../src/config/aws-ec2.ts';
import { parseConfig } from '../../../../src/config/load.ts';
import { systemClock } from '../../../../src/core/clock.ts';
import { createLogger } from '../../../../src/telemetry/logger.ts';

const config = (awsEc2: object) =>
  parseConfig({ virtualNode: { address: '10.0.0.1' }, provider: 'aws-ec2', awsEc2 }, 'test');

describe('the provider aws-ec2', () => {
  test('refuses to start, before AWS is asked for anything, while nothing can boot its machines', async () => {
    const provider = createProvider('aws-ec2', {
      settings: awsEc2Settings(config({ region: 'eu-central-1', endpoint: 'http://127.0.0.1:9' })),
      owner: { clusterUid: 'c', virtualNodes: ['v'] },
      clock: systemClock,
      random: Math.random,
      logger: createLogger('error'),
    });
    const soon = AbortSignal.timeout(5_000);
    await expect(provider.start(soon)).rejects.toMatchObject({
      code: 'InvalidConfig',
      message: expect.stringContaining('not there yet'),
    });
    await provider.stop();
  });

  test('has to be told its region', () => {
    expect(() => awsEc2Settings(config({}))).toThrow('awsEc2.region is required');
  });

  test.each([
    [{ region: 'Frankfurt' }, /awsEc2.region/],
    [{ region: 'eu-central-1', subnets: ['vpc-1'] }, /awsEc2.subnets/],
    [{ region: 'eu-central-1', discounts: { m7g: 120 } }, /awsEc2.discounts/],
    [{ region: 'eu-central-1', endpoint: 'not a url' }, /awsEc2.endpoint/],
    [{ region: 'eu-central-1', securityGroups: ['default'] }, /awsEc2.securityGroups/],
  ])('%j is refused by the path of what is wrong', (awsEc2, path) => {
    expect(() => config(awsEc2)).toThrow(path);
  });
});
