import { type Invariant, isFinished, isWaiting, type MachineSeen } from '../observation.ts';
import { type Limit, servedPatience } from './patience.ts';

/** Every machine has a pod that names it and is not long finished, or waits in a pool, or it ends while providers lead. */
export function cellsHaveReasons(limit: Limit): Invariant {
  const overdue = servedPatience(limit);
  return (seen) => {
    const { api, machines } = seen;
    if (api === undefined) return [];
    const needed = new Set(api.pods.filter((pod) => !isFinished(pod)).map(({ uid, cellId }) => `${uid} ${cellId}`));
    const isNeeded = (one: MachineSeen) =>
      needed.has(`${one.podUid} ${one.cellId}`) || (isWaiting(one) && api.warmCells > 0);
    const idle = machines.filter((one) => !isNeeded(one));
    const lines = idle.map(({ cellId, podUid, state }) => {
      return [cellId, `cell ${cellId} (${state}) has no reason: no unfinished pod ${podUid} names it`] as const;
    });
    return overdue(new Map(lines), seen);
  };
}
