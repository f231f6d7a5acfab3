import { type Invariant, isFinished } from '../observation.ts';
import { servedPatience } from './patience.ts';

/** Every machine has a pod that names it and is not long finished, or it ends while a provider leads. */
export function cellsHaveReasons(limitMs: number): Invariant {
  const overdue = servedPatience(limitMs);
  return (seen) => {
    const { api, machines } = seen;
    if (api === undefined) return [];
    const needed = new Set(api.pods.filter((pod) => !isFinished(pod)).map(({ uid, cellId }) => `${uid} ${cellId}`));
    const idle = machines.filter(({ podUid, cellId }) => !needed.has(`${podUid} ${cellId}`));
    return overdue(
      idle.map(
        ({ cellId, podUid, state }) => `cell ${cellId} (${state}) has no reason: no unfinished pod ${podUid} names it`,
      ),
      seen,
    );
  };
}
