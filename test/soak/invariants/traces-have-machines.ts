import type { Invariant } from '../observation.ts';
import { type Limit, wallPatience } from './patience.ts';

/** A network namespace, cgroup or mount of a cell is never there without the cell's folder: the folder goes last. */
export function tracesHaveMachines(limit: Limit): Invariant {
  const overdue = wallPatience(limit);
  return (seen) => {
    const known = new Set(seen.machines.map(({ cellId }) => cellId));
    const left = [
      ...seen.namespaces.filter((id) => !known.has(id)).map((id) => `a network namespace is left of cell ${id}`),
      ...seen.cgroups.filter((id) => !known.has(id)).map((id) => `a cgroup is left of cell ${id}`),
      ...seen.mounts.filter(({ cellId }) => !known.has(cellId)).map(({ point }) => `the mount ${point} is left`),
    ];
    return overdue(new Map(left.map((line) => [line, line])), seen);
  };
}
