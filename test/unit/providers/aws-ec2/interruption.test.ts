import { describe, expect, test } from 'vitest';
import { warningOf } from '../../../../providers/aws-ec2/interruption/message.ts';
import { scheduledFor } from '../../../../providers/aws-ec2/interruption/scheduled.ts';

const TIME = '2026-01-01T00:00:00Z';
const at = Date.parse(TIME);
const event = (type: string, detail: unknown, time: unknown = TIME) =>
  warningOf(JSON.stringify({ version: '0', 'detail-type': type, time, detail, source: 'aws.ec2' }));

describe('a message of the queue of interruptions', () => {
  test.each([
    ['EC2 Spot Instance Interruption Warning', 'ends', at + 120_000],
    ['EC2 Instance Rebalance Recommendation', 'at-risk', undefined],
    ['EC2 Instance State-change Notification', 'changed', undefined],
  ])('that is an %s says of a machine: %s', (type, kind, endsAtMs) => {
    const warning = event(type, { 'instance-id': 'i-1', 'instance-action': 'terminate' });
    expect(warning).toMatchObject({ instanceIds: ['i-1'], kind, ...(endsAtMs === undefined ? {} : { endsAtMs }) });
  });

  test('that is a scheduled change of AWS Health says when, of all machines that it is about', () => {
    const detail = {
      service: 'EC2',
      eventTypeCategory: 'scheduledChange',
      eventTypeCode: 'AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED',
      startTime: 'Fri, 02 Jan 2026 00:00:00 GMT',
      affectedEntities: [{ entityValue: 'i-1' }, { entityValue: 'i-2' }],
    };
    expect(event('AWS Health Event', detail)).toMatchObject({
      instanceIds: ['i-1', 'i-2'],
      kind: 'ends',
      endsAtMs: at + 86_400_000,
    });
    expect(event('AWS Health Event', { ...detail, service: 'RDS' })).toBeUndefined();
  });

  test.each([
    ['no JSON', 'hello'],
    ['no event', '{}'],
    ['of another kind', JSON.stringify({ 'detail-type': 'toString', time: TIME, detail: {} })],
    [
      'of no machine',
      JSON.stringify({ 'detail-type': 'EC2 Spot Instance Interruption Warning', time: TIME, detail: {} }),
    ],
    [
      'of no time',
      JSON.stringify({ 'detail-type': 'EC2 Spot Instance Interruption Warning', time: 'now', detail: {} }),
    ],
  ])('that is %s says nothing', (_, body) => {
    expect(warningOf(body)).toBeUndefined();
  });
});

describe('what is scheduled for a machine', () => {
  test('is the first that is not over', () => {
    const event = (Description: string, hours: number) => ({
      Code: 'instance-retirement' as const,
      Description,
      NotBefore: new Date(at + hours * 3_600_000),
    });
    const Events = [event('later', 5), event('[Completed] before', 1), event('next', 2)];
    expect(scheduledFor({ InstanceId: 'i-1', Events })).toEqual({
      instanceIds: ['i-1'],
      kind: 'ends',
      endsAtMs: at + 2 * 3_600_000,
      reason: 'AWS has scheduled instance-retirement for it: next',
    });
    expect(scheduledFor({ InstanceId: 'i-1', Events: [event('[Canceled] x', 1)] })).toBeUndefined();
    expect(scheduledFor({ InstanceId: 'i-1' })).toBeUndefined();
  });
});
