import { type Invariant, isFinished } from '../observation.ts';
import { type Limit, servedPatience } from './patience.ts';

/** A pod whose cell was killed fails, goes, or gets another cell, in the time that leading providers have for it. */
export function lostCellsAreTold(limit: Limit): Invariant {
  const overdue = servedPatience(limit);
  return (seen) => {
    if (seen.api === undefined) return [];
    const killed = seen.attacks.filter(({ kind }) => kind === 'killCell').map(({ cellId }) => cellId);
    const lost = seen.api.pods.filter((pod) => !isFinished(pod) && killed.includes(pod.cellId ?? ''));
    const lines = lost.map(({ uid, name, cellId, phase }) => {
      return [`${uid} ${cellId}`, `pod ${name} is ${phase} on cell ${cellId}, which was killed`] as const;
    });
    return overdue(new Map(lines), seen);
  };
}
