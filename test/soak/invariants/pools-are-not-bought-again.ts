import { type Invariant, isLive, isWaiting } from '../observation.ts';

/** Beside those that wait one successor may come, of a cell that is silent, old or hurt. */
const SUCCESSORS = 1;

/** A provider that is killed and started again finds what waits in pools, and buys no more beside it. */
export function poolsAreNotBoughtAgain(): Invariant {
  return ({ machines, api }) => {
    if (api === undefined || api.warmCells === 0) return [];
    const waiting = machines.filter((one) => isLive(one) && isWaiting(one)).map(({ cellId }) => cellId);
    if (waiting.length <= api.warmCells + SUCCESSORS) return [];
    return [`${waiting.length} cells wait in pools for ${api.warmCells}: ${waiting.join(', ')}`];
  };
}
