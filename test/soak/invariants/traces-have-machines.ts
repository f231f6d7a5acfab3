import type { Invariant } from '../observation.ts';
import { wallPatience } from './patience.ts';

/** A network namespace or cgroup of a cell is never there without the cell's folder: the folder goes last. */
export function tracesHaveMachines(limitMs: number): Invariant {
  const overdue = wallPatience(limitMs);
  return (seen) => {
    const known = new Set(seen.machines.map(({ cellId }) => cellId));
    return overdue(
      [
        ...seen.namespaces.filter((id) => !known.has(id)).map((id) => `a network namespace is left of cell ${id}`),
        ...seen.cgroups.filter((id) => !known.has(id)).map((id) => `a cgroup is left of cell ${id}`),
      ],
      seen,
    );
  };
}
