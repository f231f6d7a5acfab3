import { describe, expect, test } from 'vitest';
import { awsEc2Settings } from '../../../../src/config/aws-ec2.ts';
import { parseConfig } from '../../../../src/config/load.ts';

const config = (awsEc2: object) =>
  parseConfig({ virtualNode: { address: '10.0.0.1' }, provider: 'aws-ec2', awsEc2 }, 'test');

describe('the provider aws-ec2', () => {
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
