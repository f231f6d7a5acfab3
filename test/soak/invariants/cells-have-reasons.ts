import { type Invariant, isFinished } from '../observation.ts';
import { type Limit, servedPatience } from './patience.ts';

/** Every machine has a pod that names it and is not long finished, or it ends while providers lead. */
export function cellsHaveReasons(limit: Limit): Invariant {
  const overdue = servedPatience(limit);
  return (seen) => {
    const { api, machines } = seen;
    if (api === undefined) return [];
    const needed = new Set(api.pods.filter((pod) => !isFinished(pod)).map(({ uid, cellId }) => `${uid} ${cellId}`));
    const idle = machines.filter(({ podUid, cellId }) => !needed.has(`${podUid} ${cellId}`));
    const lines = idle.map(({ cellId, podUid, state }) => {
      return [cellId, `cell ${cellId} (${state}) has no reason: no unfinished pod ${podUid} names it`] as const;
    });
    return overdue(new Map(lines), seen);
  };
}
