import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { machineOf } from '../../../../providers/aws-ec2/instances/machine.ts';
import { parseShape, shapeText } from '../../../../providers/aws-ec2/instances/shape.ts';
import { endOf } from '../../../../providers/aws-ec2/instances/state-reasons.ts';
import { assignmentTags, cellTagsOf, launchTags } from '../../../../providers/aws-ec2/instances/tags.ts';
import type { Offering } from '../../../../src/core/offerings.ts';

const SIZE = {
  cpuMilli: 1_930,
  memoryBytes: 2 ** 32,
  ephemeralStorageBytes: 2 ** 34,
  extended: { 'nvidia.com/gpu': 2 },
};
const OFFERING: Offering = {
  instanceType: 'g6.12xlarge',
  launchType: 'ec2-spot',
  zone: 'us-east-1a',
  arch: 'amd64',
  capacity: SIZE,
  allocatable: SIZE,
  pricePerHourUsd: 0.08123456,
  available: true,
};
const OWNER = { clusterUid: 'c-1', virtualNode: 'vnode' };
const LAUNCH = { home: OWNER, launchId: 'l', kind: 'k', offering: OFFERING, className: 'batch', classTags: {} };
const CELL = { ...OWNER, cellId: 'cell-1', pod: 'shop/web-0', podUid: 'u-1', cellClass: 'batch' };

describe('the shape of a machine', () => {
  test('is read as it was written, and fits into a tag', () => {
    const amount = fc.nat({ max: 2 ** 44 });
    const extended = fc.dictionary(
      fc.constantFrom('nvidia.com/gpu', 'amd.com/gpu', 'aws.amazon.com/neuron'),
      fc.nat(16),
    );
    const fields = {
      arch: fc.constantFrom('amd64', 'arm64'),
      allocatable: fc.record({ cpuMilli: amount, memoryBytes: amount, ephemeralStorageBytes: amount, extended }),
      pricePerHourUsd: fc.double({ min: 0, max: 1_000, noNaN: true, noDefaultInfinity: true }).map(Math.abs),
      isPriceEstimated: fc.constant(true),
    };
    const shape = fc.record(fields, { requiredKeys: ['arch', 'allocatable', 'pricePerHourUsd'] });
    fc.assert(
      fc.property(shape, (given) => {
        const text = shapeText({ ...OFFERING, ...given });
        expect(text.length).toBeLessThanOrEqual(256);
        expect(parseShape(text)).toEqual({
          ...given,
          allocatable: { ...given.allocatable, extended: { ...given.allocatable.extended } },
        });
      }),
    );
  });

  test.each([
    undefined,
    '',
    'amd64',
    'amd64 cpu=1',
    'amd64 cpu=-1 memory=1 disk=1 usd=1',
    'amd64 cpu=x memory=1 disk=1 usd=1',
  ])('that is none is refused: %j', (text) => {
    expect(parseShape(text)).toBeUndefined();
  });
});

describe('the tags of a machine', () => {
  test('say which cell it is', () => {
    expect(cellTagsOf({ ...launchTags(LAUNCH), ...assignmentTags(CELL) }, 'i-1')).toEqual(CELL);
    const nodeCell = { ...CELL, purpose: 'node-cell' as const };
    expect(cellTagsOf({ ...launchTags(LAUNCH), ...assignmentTags(nodeCell) }, 'i-1')).toEqual(nodeCell);
  });

  test('of one that is no cell yet name it by its own id, and no pod', () => {
    expect(cellTagsOf(launchTags(LAUNCH), 'i-1')).toMatchObject({ cellId: 'i-1', pod: '', podUid: '' });
  });

  test('are no longer than EC2 takes, however long names are', () => {
    const pod = `${'n'.repeat(63)}/${'p'.repeat(253)}`;
    for (const [key, value] of Object.entries({ ...launchTags(LAUNCH), ...assignmentTags({ ...CELL, pod }) })) {
      expect(key.length).toBeLessThanOrEqual(128);
      expect(value.length).toBeLessThanOrEqual(256);
    }
  });

  test("of a class can't take the place of ours", () => {
    const tags = launchTags({ ...LAUNCH, classTags: { 'nodeless.io/cluster': 'another', team: 'shop' } });
    expect(tags).toMatchObject({ 'nodeless.io/cluster': 'c-1', team: 'shop' });
  });
});

describe('a machine as EC2 describes it', () => {
  const tags = { ...launchTags(LAUNCH), ...assignmentTags(CELL) };

  test.each([
    ['pending', 'launching'],
    ['running', 'running'],
    ['shutting-down', 'ending'],
    ['stopping', 'ending'],
    ['stopped', 'ending'],
    ['terminated', 'ended'],
  ])('%s is %s', (name, state) => {
    const instance = { InstanceId: 'i-1', InstanceType: 'g6.12xlarge' as const, State: { Name: name as 'pending' } };
    expect(machineOf(instance, tags)?.machine.state).toBe(state);
  });

  test('without what our launches write is none of ours', () => {
    const instance = { InstanceId: 'i-1', InstanceType: 'g6.12xlarge' as const, State: { Name: 'running' as const } };
    expect(machineOf(instance, {})).toBeUndefined();
  });

  test.each([
    ['Client.InvalidKMSKey.InvalidState', 'KMS key'],
    ['Client.VolumeLimitExceeded', 'Service Quotas'],
    ['Client.InternalError', 'KMS key'],
    ['Client.InstanceInitiatedShutdown', 'it shut itself down'],
    ['Client.UserInitiatedShutdown', 'somebody ended it'],
    ['Server.InternalError', 'EC2 failed to start it'],
    ['Server.InsufficientInstanceCapacity', 'no capacity'],
    ['Server.SpotInstanceTermination', 'took the spot machine back'],
    ['Server.SpotInstanceShutdown', 'took the spot machine back'],
    ['Server.ScheduledStop', 'host was retired'],
  ])('that ended for %s says so in words, and in those of EC2', (code, words) => {
    const { reason } = endOf(code, 'as told');
    expect(reason).toContain(words);
    expect(reason).toContain(`${code}: as told`);
  });

  test('that ended for a reason that nobody knows says what EC2 says', () => {
    expect(endOf('Server.New')).toEqual({ reason: 'EC2 ended it (Server.New)' });
    expect(endOf('', '')).toEqual({ reason: 'EC2 ended it, and does not say why' });
  });

  test.each([
    ['Client.InvalidKMSKey.InvalidState', { code: 'InvalidConfig' }],
    ['Client.VolumeLimitExceeded', { code: 'InsufficientCapacity', scope: 'account' }],
    ['Server.InsufficientInstanceCapacity', { code: 'InsufficientCapacity' }],
    ['Server.SpotInstanceTermination', { code: 'InsufficientCapacity' }],
    ['Client.UserInitiatedShutdown', undefined],
  ])('that ended by %s says %j of others like it', (code, endCause) => {
    expect(endOf(code, 'as told').endCause).toEqual(endCause);
  });
});
