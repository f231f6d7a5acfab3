import { describe, expect, test } from 'vitest';
import { judgeGroups, judgeSubnets } from '../../../src/cli/doctor/aws/network.ts';

const subnet = (free: number) => ({ SubnetId: 's', AvailabilityZone: 'a', AvailableIpAddressCount: free });
const ALL = { IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] };
const OWN = { IpProtocol: '-1', UserIdGroupPairs: [{ GroupId: 'sg-1' }] };
const tcp = (port: number) => ({
  IpProtocol: 'tcp',
  FromPort: port,
  ToPort: port,
  IpRanges: [{ CidrIp: '10.0.0.0/8' }],
});

describe('nodeless doctor aws', () => {
  test.each([
    [[], 'failed', 'none are named'],
    [[subnet(100)], 'ok', 's (a): 50 cells'],
    [[subnet(100), subnet(1)], 'failed', 's (a): 50 cells, s (a): 0 cells'],
    [[subnet(20)], 'warning', 's (a): 10 cells'],
  ])('calls subnets %j, with two addresses for a cell, %s', (subnets, outcome, words) => {
    expect(judgeSubnets(subnets, 2)).toMatchObject({ outcome, detail: expect.stringContaining(words) });
  });

  test.each([
    ['all is open', { IpPermissions: [ALL], IpPermissionsEgress: [ALL] }, 'ok'],
    ['they reach each other, and out', { IpPermissions: [OWN], IpPermissionsEgress: [tcp(8443)] }, 'ok'],
    ['nothing comes in', { IpPermissions: [], IpPermissionsEgress: [ALL] }, 'failed'],
    ['another port is open', { IpPermissions: [tcp(443)], IpPermissionsEgress: [ALL] }, 'failed'],
    ['only kubelets are reached', { IpPermissions: [tcp(10_250)], IpPermissionsEgress: [ALL] }, 'warning'],
    ['nothing gets out', { IpPermissions: [OWN], IpPermissionsEgress: [tcp(443)] }, 'failed'],
  ])('of security groups of which %s says so', (_, rules, outcome) => {
    expect(judgeGroups([{ GroupId: 'sg-1', ...rules }], 8443).outcome).toBe(outcome);
  });
});
