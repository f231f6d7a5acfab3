import { describe, expect, test } from 'vitest';
import { sessionOf, signerRefusal } from '../../../../../providers/aws-ec2/identity/signer.ts';
import type { Ec2Machine } from '../../../../../providers/aws-ec2/instances/machine.ts';
import { machineOf } from '../../../../../providers/aws-ec2/instances/machine.ts';

const ID = 'i-0123456789abcdef0';
const TERMS = { owner: { clusterUid: 'c', virtualNodes: ['v'] }, instanceRoles: {} };
const TAGS = {
  'nodeless.io/cluster': 'c',
  'nodeless.io/virtual-node': 'v',
  'nodeless.io/launch': 'l',
  'nodeless.io/cell': 'cell-1',
  'nodeless.io/shape': 'amd64 cpu=1 memory=1 disk=1 usd=1',
};

function machine(
  tags: Readonly<Record<string, string | undefined>> = {},
  more: {
    readonly profile?: string | undefined;
    readonly state?: 'pending' | 'running' | 'stopping' | 'terminated';
  } = {},
): Ec2Machine | undefined {
  const { profile = 'arn:aws:iam::123456789012:instance-profile/cells', state = 'running' } = more;
  const all = Object.entries({ ...TAGS, ...tags }).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const described = {
    InstanceId: ID,
    InstanceType: 'm7i.large' as const,
    State: { Name: state },
    ...(profile === '' ? {} : { IamInstanceProfile: { Arn: profile } }),
  };
  return machineOf(described, Object.fromEntries(all));
}

const session = (arn = `arn:aws:sts::123456789012:assumed-role/cells/${ID}`) => {
  const read = sessionOf(arn);
  if (read === undefined) throw new Error(`${arn} is no session of a machine`);
  return read;
};

describe('who signed', () => {
  test.each([
    'arn:aws:iam::123456789012:user/admin',
    'arn:aws:iam::123456789012:root',
    'arn:aws:sts::123456789012:assumed-role/cells/admin',
    `arn:aws:sts::123456789012:assumed-role/cells/${ID}/more`,
    `arn:aws:sts::123456789012:federated-user/${ID}`,
    `arn:aws:sts::123456789012:assumed-role/path/cells/${ID}`,
    `arn:aws:iam::123456789012:assumed-role/cells/${ID}`,
    `arn:aws:sts::1:assumed-role/cells/${ID}`,
    `x arn:aws:sts::123456789012:assumed-role/cells/${ID}`,
    `arn:aws:sts::123456789012:assumed-role/cells/${ID}\n`,
    '',
  ])('is no machine as %j', (arn) => {
    expect(sessionOf(arn)).toBeUndefined();
  });

  test("is a cell's machine by the role of its own instance profile, also where that has a path or another name", () => {
    expect(signerRefusal(session(), machine(), TERMS)).toBeUndefined();
    const inPath = 'arn:aws:iam::123456789012:instance-profile/team/a/cells';
    expect(signerRefusal(session(), machine({}, { profile: inPath }), TERMS)).toBeUndefined();
    const other = 'arn:aws:iam::123456789012:instance-profile/profile';
    const named = { ...TERMS, instanceRoles: { profile: 'cells' } };
    expect(signerRefusal(session(), machine({}, { profile: other }), named)).toBeUndefined();
    expect(signerRefusal(session(), machine({}, { profile: other }), TERMS)).toContain('awsEc2.instanceRoles');
  });

  test.each<[string, Ec2Machine | undefined, string?]>([
    ['of a machine that is not there', undefined],
    ['of a machine of another cluster', machine({ 'nodeless.io/cluster': 'd' })],
    ['of a machine of another virtual node', machine({ 'nodeless.io/virtual-node': 'w' })],
    ['of a machine without our tags', machine({ 'nodeless.io/cluster': undefined })],
    ['of a machine that no launch of ours made', machine({ 'nodeless.io/launch': undefined })],
    ['of a machine that is no cell', machine({ 'nodeless.io/cell': undefined })],
    ['of a machine without a profile', machine({}, { profile: '' })],
    ['of a machine that stops', machine({}, { state: 'stopping' })],
    ['of a machine that has ended', machine({}, { state: 'terminated' })],
    ['by another role', machine(), `arn:aws:sts::123456789012:assumed-role/admin/${ID}`],
    ['by that role of another account', machine(), `arn:aws:sts::999999999999:assumed-role/cells/${ID}`],
    ['by that role of another partition', machine(), `arn:aws-cn:sts::123456789012:assumed-role/cells/${ID}`],
  ])('%s is refused', (_title, found, arn) => {
    expect(signerRefusal(session(arn), found, TERMS)).toMatch(/\w/);
  });

  test('is not mistaken where a profile is named as what objects have', () => {
    const profile = 'arn:aws:iam::123456789012:instance-profile/constructor';
    const found = machine({}, { profile });
    expect(
      signerRefusal(session(`arn:aws:sts::123456789012:assumed-role/constructor/${ID}`), found, TERMS),
    ).toBeUndefined();
  });
});
