import { describe, expect, test } from 'vitest';
import { Coalescer } from '../../../../providers/aws-ec2/coalescer.ts';
import { Batches } from '../../../../providers/aws-ec2/launch/batches.ts';
import { fleetRequest, launchIdOf, shortfallOf } from '../../../../providers/aws-ec2/launch/fleet-request.ts';
import { templateOf } from '../../../../providers/aws-ec2/launch/template.ts';
import { systemClock as clock } from '../../../../src/core/clock.ts';
import type { Offering } from '../../../../src/core/offerings.ts';
import { cellClass } from '../../../support/cell-class.ts';

const SIZE = { cpuMilli: 1_930, memoryBytes: 2 ** 32, ephemeralStorageBytes: 2 ** 34, extended: {} };
const OFFERING: Offering = {
  instanceType: 'm7g.large',
  launchType: 'ec2-on-demand',
  zone: 'us-east-1a',
  arch: 'arm64',
  capacity: SIZE,
  allocatable: SIZE,
  pricePerHourUsd: 0.08,
  available: true,
};
const POOL = { templateName: 'nodeless-1', offering: OFFERING, subnets: ['subnet-a', 'subnet-b'] };
const PARTS = {
  pools: [POOL],
  count: 3,
  tags: { a: 'b' },
  launchId: 'launch-1',
  attempt: 0,
};
const never = new AbortController().signal;

describe('a fleet request', () => {
  test('has a client token that EC2 takes', () => {
    expect(fleetRequest(PARTS).ClientToken).toMatch(/^[\x21-\x7e]{1,64}$/);
  });

  test('has the same client token for the same parts', () => {
    expect(fleetRequest({ ...PARTS })).toEqual(fleetRequest({ ...PARTS, tags: { a: 'b' } }));
  });

  test.each([
    [{ attempt: 1 }],
    [{ count: 4 }],
    [{ launchId: 'launch-2' }],
    [{ tags: { a: 'c' } }],
    [{ pools: [{ ...POOL, subnets: ['subnet-a'] }] }],
    [{ pools: [{ ...POOL, offering: { ...OFFERING, launchType: 'ec2-spot' as const } }] }],
  ])('has another client token for another %j: EC2 refuses one that is used with other parameters', (other) => {
    expect(fleetRequest({ ...PARTS, ...other }).ClientToken).not.toBe(fleetRequest(PARTS).ClientToken);
  });

  test('names every subnet of the zone', () => {
    const [config] = fleetRequest(PARTS).LaunchTemplateConfigs ?? [];
    expect(config?.Overrides?.map(({ SubnetId }) => SubnetId)).toEqual(['subnet-a', 'subnet-b']);
  });

  test('of spot names every pool, each with the template that it is launched by, and lets EC2 choose the deepest', () => {
    const spot = (instanceType: string, zone: string) => ({
      ...OFFERING,
      instanceType,
      zone,
      launchType: 'ec2-spot' as const,
    });
    const pools = [
      { templateName: 'arm', offering: spot('m7g.large', 'us-east-1a'), subnets: ['subnet-a'] },
      { templateName: 'amd', offering: spot('m7a.large', 'us-east-1a'), subnets: ['subnet-a'] },
      { templateName: 'arm', offering: spot('m7g.large', 'us-east-1b'), subnets: ['subnet-b'] },
    ];
    const { LaunchTemplateConfigs = [], SpotOptions } = fleetRequest({ ...PARTS, pools });
    expect(SpotOptions?.AllocationStrategy).toBe('price-capacity-optimized');
    expect(
      LaunchTemplateConfigs.map(({ LaunchTemplateSpecification: of, Overrides = [] }) => [
        of?.LaunchTemplateName,
        ...Overrides.map(({ InstanceType, SubnetId }) => `${InstanceType} ${SubnetId}`),
      ]),
    ).toEqual([
      ['arm', 'm7g.large subnet-a', 'm7g.large subnet-b'],
      ['amd', 'm7a.large subnet-a'],
    ]);
  });

  test('is of a launch that is named by its cells, in whatever order', () => {
    expect(launchIdOf(['a', 'b'])).toBe(launchIdOf(['b', 'a']));
    expect(launchIdOf(['a', 'b'])).not.toBe(launchIdOf(['a']));
  });
});

describe('a fleet that is not filled', () => {
  const error = (ErrorCode: string) => ({ ErrorCode, ErrorMessage: 'no' });

  test.each([
    [['InsufficientInstanceCapacity'], 'InsufficientInstanceCapacity', 'InsufficientCapacity'],
    [
      ['InsufficientFreeAddressesInSubnet', 'InsufficientInstanceCapacity'],
      'InsufficientInstanceCapacity',
      'InsufficientCapacity',
    ],
    [['InsufficientInstanceCapacity', 'UnauthorizedOperation'], 'UnauthorizedOperation', 'Unauthorized'],
    [[], 'UnfulfillableCapacity', 'InsufficientCapacity'],
  ])('for %j fails as %s', (codes, awsCode, code) => {
    const failure = shortfallOf(codes.map(error), OFFERING);
    expect(failure).toMatchObject({ code, identity: { awsCode, offering: 'ec2-on-demand/m7g.large/us-east-1a' } });
  });
});

describe('a launch template', () => {
  const image = { imageId: 'ami-0abcdef1', rootDevice: '/dev/xvda', userData: Buffer.from('#!/bin/sh') };
  const parts = {
    home: { clusterUid: 'c', virtualNode: 'v' },
    settings: { publicAddress: false, podAddresses: 1 },
    spec: cellClass().spec,
    image,
    securityGroups: ['sg-1'],
    isBurstable: false,
  };

  test('has a name that says what is in it', () => {
    expect(templateOf(parts).name).toBe(templateOf({ ...parts, spec: cellClass().spec }).name);
    for (const other of [
      { image: { ...image, userData: Buffer.from('#!/bin/bash') } },
      { securityGroups: [] },
      { settings: { publicAddress: true, podAddresses: 1 } },
      { settings: { publicAddress: false, podAddresses: 4 } },
      { spec: cellClass({ tags: { team: 'shop' } }).spec },
      { spec: cellClass({ rootVolume: { kmsKey: 'key' } }).spec },
      { isBurstable: true },
    ]) {
      expect(templateOf({ ...parts, ...other }).name).not.toBe(templateOf(parts).name);
    }
  });

  test('requires IMDSv2 at one hop, encrypts the volume, and has machines end that shut down', () => {
    const { data } = templateOf(parts);
    expect(data.MetadataOptions).toEqual({
      HttpEndpoint: 'enabled',
      HttpTokens: 'required',
      HttpPutResponseHopLimit: 1,
    });
    expect(data.BlockDeviceMappings?.[0]?.Ebs).toMatchObject({
      Encrypted: true,
      DeleteOnTermination: true,
      VolumeSize: 20,
    });
    expect(data.InstanceInitiatedShutdownBehavior).toBe('terminate');
  });

  test('has burstable machines use no more CPU than their price buys, and tells others nothing of that', () => {
    expect(templateOf({ ...parts, isBurstable: true }).data.CreditSpecification).toEqual({ CpuCredits: 'standard' });
    expect(templateOf(parts).data.CreditSpecification).toBeUndefined();
  });

  test("takes the class's instance profile before the configured one, by name or ARN", () => {
    const settings = {
      publicAddress: false,
      podAddresses: 1,
      instanceProfile: 'arn:aws:iam::1:instance-profile/cells',
    };
    expect(templateOf({ ...parts, settings }).data.IamInstanceProfile).toEqual({ Arn: settings.instanceProfile });
    const spec = cellClass({ instanceProfile: 'own' }).spec;
    expect(templateOf({ ...parts, settings, spec }).data.IamInstanceProfile).toEqual({ Name: 'own' });
  });
});

describe('batches', () => {
  function setUp(maxSize = 10) {
    const sent: (readonly number[])[] = [];
    const batches = new Batches<number, number>({
      windowMs: 5,
      maxSize,
      clock,
      async run(_kind, values) {
        sent.push(values);
        return Promise.allSettled(
          values.map(async (value) => {
            if (value < 0) throw new Error('negative');
            return value * 2;
          }),
        );
      },
    });
    return { batches, sent };
  }

  test('hold what comes at one time, by kind, and give each its own outcome', async () => {
    const { batches, sent } = setUp();
    const outcomes = await Promise.allSettled([
      batches.add('a', 1, never),
      batches.add('b', 2, never),
      batches.add('a', -3, never),
    ]);
    expect(sent).toEqual([[1, -3], [2]]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  });

  test('are sent when they are full', async () => {
    const { batches, sent } = setUp(2);
    await Promise.all([1, 2, 3].map((value) => batches.add('a', value, never)));
    expect(sent).toEqual([[1, 2], [3]]);
  });

  test('leave out who has given up before they are sent, and nobody after', async () => {
    const { batches, sent } = setUp();
    const early = new AbortController();
    const outcomes = Promise.allSettled([batches.add('a', 1, early.signal), batches.add('a', 2, never)]);
    early.abort();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(sent).toEqual([[2]]);
  });
});

describe('coalesced calls', () => {
  function setUp(maxKeys = 10) {
    const asked: (readonly string[])[] = [];
    const coalescer = new Coalescer<string, string>({
      windowMs: 5,
      maxKeys,
      clock,
      async run(keys) {
        asked.push(keys);
        if (keys.includes('bad')) throw new Error('bad');
        return new Map(keys.filter((key) => key !== 'none').map((key) => [key, key.toUpperCase()]));
      },
    });
    return { coalescer, asked };
  }

  test('are one for many keys, each asked for once', async () => {
    const { coalescer, asked } = setUp();
    const found = await Promise.all(['a', 'b', 'a', 'none'].map((key) => coalescer.get(key, never)));
    expect(found).toEqual(['A', 'B', 'A', undefined]);
    expect(asked).toEqual([['a', 'b', 'none']]);
  });

  test('name no more keys than are allowed', async () => {
    const { coalescer, asked } = setUp(2);
    await Promise.all(['a', 'b', 'c'].map((key) => coalescer.get(key, never)));
    expect(asked).toEqual([['a', 'b'], ['c']]);
  });

  test('fail for all who asked, and go on for those who did not give up', async () => {
    const { coalescer } = setUp();
    await expect(Promise.all([coalescer.get('bad', never), coalescer.get('a', never)])).rejects.toThrow('bad');
    const given = new AbortController();
    const first = coalescer.get('a', given.signal);
    const second = coalescer.get('b', never);
    given.abort();
    await expect(first).rejects.toThrow();
    expect(await second).toBe('B');
  });
});
