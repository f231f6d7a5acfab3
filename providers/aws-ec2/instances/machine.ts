import type { Instance } from '@aws-sdk/client-ec2';
import type { CellMachine } from '../../../src/core/cell.ts';
import { parseShape } from './shape.ts';
import { endOf } from './state-reasons.ts';
import { cellTagsOf, TAG, type Tags } from './tags.ts';

/** One of our machines, with what EC2 alone tells of it. */
export interface Ec2Machine {
  readonly instanceId: string;
  readonly tags: Tags;
  readonly machine: CellMachine;
  /** Which cell EC2 says it is, whatever this process means to write. */
  readonly describedCell?: string;
  /** ARN of its instance profile. */
  readonly profileArn?: string;
}

const STATES: Readonly<Record<string, CellMachine['state']>> = {
  pending: 'launching',
  running: 'running',
  'shutting-down': 'ending',
  stopping: 'ending',
  stopped: 'ending',
  terminated: 'ended',
};

export function tagsOf({ Tags: list = [] }: Instance): Tags {
  return Object.fromEntries(list.map(({ Key = '', Value = '' }) => [Key, Value]));
}

/** What EC2 tells of a machine of ours; undefined where it lacks what our launches write. */
export function machineOf(instance: Instance, tags: Tags): Ec2Machine | undefined {
  const { InstanceId: instanceId, InstanceType: instanceType, State, StateReason, PrivateIpAddress } = instance;
  const shape = parseShape(tags[TAG.shape]);
  const state = STATES[State?.Name ?? ''];
  if (instanceId === undefined || instanceType === undefined || shape === undefined || state === undefined) {
    return undefined;
  }
  const machine: CellMachine = {
    tags: cellTagsOf(tags, instanceId),
    instanceType,
    launchType: instance.InstanceLifecycle === 'spot' ? 'ec2-spot' : 'ec2-on-demand',
    zone: instance.Placement?.AvailabilityZone ?? '',
    ...shape,
    addresses: PrivateIpAddress === undefined || PrivateIpAddress === '' ? [] : [PrivateIpAddress],
    createdAtMs: instance.LaunchTime?.getTime() ?? 0,
    state,
    ...(state === 'ended' ? endOf(StateReason?.Code, StateReason?.Message) : {}),
  };
  const profileArn = instance.IamInstanceProfile?.Arn;
  return { instanceId, tags, machine, ...(profileArn === undefined ? {} : { profileArn }) };
}
