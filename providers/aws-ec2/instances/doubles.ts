import { keysOf } from '../identity/keys.ts';
import type { Ec2Machine } from './machine.ts';
import { ASSIGNMENT_TAGS, cellTagsOf, TAG } from './tags.ts';

/** Whether a machine may still be a cell's. */
export function isAlive({ machine }: Ec2Machine): boolean {
  return machine.state === 'launching' || machine.state === 'running';
}

/** Machines of one cell, the one that is it first: alive, let in already, the oldest. */
function byPrecedence(a: Ec2Machine, b: Ec2Machine): number {
  return (
    Number(isAlive(b)) - Number(isAlive(a)) ||
    Number(keysOf(b.tags).length > 0) - Number(keysOf(a.tags).length > 0) ||
    a.machine.createdAtMs - b.machine.createdAtMs ||
    (a.instanceId < b.instanceId ? -1 : 1)
  );
}

/** Which of a cell's machines is the cell. */
export function keptOf(machines: readonly Ec2Machine[]): Ec2Machine | undefined {
  return machines.toSorted(byPrecedence)[0];
}

/** The machine as one that is no cell's. */
function withoutCell(one: Ec2Machine): Ec2Machine {
  const tags = Object.fromEntries(Object.entries(one.tags).filter(([key]) => !ASSIGNMENT_TAGS.has(key)));
  return { ...one, tags, machine: { ...one.machine, tags: cellTagsOf(tags, one.instanceId) } };
}

/**
 * Machines, one for each cell: of those that an outage has doubled, the others go by their own ids, so that they are
 * ended like all that nobody claims; what has ended of them is no news to anybody.
 */
export function withDoublesApart(machines: readonly Ec2Machine[]): readonly Ec2Machine[] {
  const byCell = Map.groupBy(machines, ({ tags, instanceId }) => tags[TAG.cell] ?? instanceId);
  return [...byCell.values()].flatMap((same) => {
    const [kept, ...others] = same.toSorted(byPrecedence);
    const left = others.filter(({ machine }) => machine.state !== 'ended').map(withoutCell);
    return kept === undefined ? [] : [kept, ...left];
  });
}
