import { describe, expect, test } from 'vitest';
import { keptOf, withDoublesApart } from '../../../../providers/aws-ec2/instances/doubles.ts';
import type { Ec2Machine } from '../../../../providers/aws-ec2/instances/machine.ts';
import { cellTagsOf, TAG, type Tags } from '../../../../providers/aws-ec2/instances/tags.ts';
import type { CellMachine } from '../../../../src/core/cell.ts';
import { cellMachine } from '../../../support/cell-machine.ts';

function one(instanceId: string, createdAtMs: number, state: CellMachine['state'] = 'running', more: Tags = {}) {
  const tags: Tags = { [TAG.cell]: 'cell', [TAG.podUid]: 'pod', [TAG.pool]: 'p', [TAG.poolUid]: 'u', ...more };
  const machine = { ...cellMachine('cell', 'pod'), createdAtMs, state, tags: cellTagsOf(tags, instanceId) };
  return { instanceId, tags, machine } satisfies Ec2Machine;
}

const key = { [`${TAG.key}1`]: 'fingerprint' };

describe('of the machines of one cell', () => {
  test.each([
    ['the oldest', [one('i-2', 2), one('i-1', 1)]],
    ['one of the same age', [one('i-2', 1), one('i-1', 1)]],
    ['the living', [one('i-2', 1, 'ended'), one('i-3', 1, 'ending'), one('i-1', 5)]],
    ['the one that was let in', [one('i-2', 1), one('i-1', 5, 'running', key)]],
  ])('%s is the cell, in whatever order they come', (_which, machines) => {
    expect(keptOf(machines)?.instanceId).toBe('i-1');
    expect(keptOf(machines.toReversed())?.instanceId).toBe('i-1');
  });

  test('the others are told of as machines of nobody, but for those that have ended', () => {
    const told = withDoublesApart([one('i-2', 2), one('i-1', 1), one('i-3', 3, 'ended')]);
    expect(told.map(({ machine }) => machine.tags.cellId)).toEqual(['cell', 'i-2']);
    expect(told[1]?.machine.tags).toMatchObject({ pod: '', podUid: '' });
    expect(told[1]?.machine.tags.pool).toBeUndefined();
  });
});
