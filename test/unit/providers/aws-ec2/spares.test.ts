import { describe, expect, test } from 'vitest';
import type { Ec2Machine } from '../../../../providers/aws-ec2/instances/machine.ts';
import { cellTagsOf } from '../../../../providers/aws-ec2/instances/tags.ts';
import { Spares } from '../../../../providers/aws-ec2/launch/spares.ts';
import { offeringOf } from '../../../support/offering.ts';

const { instanceType, launchType, zone, arch, pricePerHourUsd, allocatable } = offeringOf('m7i.large', 1);

function machine(instanceId: string, tags: Record<string, string> = {}): Ec2Machine {
  const all = { 'nodeless.io/kind': 'k', 'nodeless.io/launch': 'l', ...tags };
  const shape = { instanceType, launchType, zone, arch, pricePerHourUsd, allocatable };
  const life = { addresses: [], createdAtMs: 0, state: 'running' as const };
  return { instanceId, tags: all, machine: { ...shape, ...life, tags: cellTagsOf(all, instanceId) } };
}

describe('a machine that no cell has', () => {
  test('is given to one launch of its kind, whatever is listed before that has assigned it', () => {
    const spares = new Spares();
    spares.renew([machine('i-1')]);
    expect(spares.take('other')).toBeUndefined();
    expect(spares.take('k')?.instanceId).toBe('i-1');
    spares.renew([machine('i-1')]);
    expect(spares.take('k')).toBeUndefined();
    expect(spares.isUnderWay(machine('i-1'))).toBe(true);
  });

  test('is to be had again where the launch did not assign it', () => {
    const spares = new Spares();
    spares.renew([machine('i-1')]);
    spares.take('k');
    spares.release('i-1');
    spares.renew([machine('i-1')]);
    expect(spares.take('k')?.instanceId).toBe('i-1');
  });

  test.each([
    ['has a cell', [], { 'nodeless.io/cell': 'a' }],
    ['is about to have one', ['l'], {}],
  ])('is not one that %s', (_what, begun, tags) => {
    const spares = new Spares();
    for (const launchId of begun) spares.begin(launchId);
    spares.renew([machine('i-1', tags)]);
    expect(spares.take('k')).toBeUndefined();
  });
});
