import { type Invariant, isFinished } from '../observation.ts';
import { servedPatience } from './patience.ts';

/** A pod whose cell was killed fails, goes, or gets another cell, in the time that a leading provider has for it. */
export function lostCellsAreTold(limitMs: number): Invariant {
  const overdue = servedPatience(limitMs);
  return (seen) => {
    const killed = seen.attacks.filter(({ kind }) => kind === 'killCell').map(({ cellId }) => cellId);
    const lost = (seen.api?.pods ?? []).filter((pod) => !isFinished(pod) && killed.includes(pod.cellId ?? ''));
    return overdue(
      lost.map(({ name, cellId, phase }) => `pod ${name} is ${phase} on cell ${cellId}, which was killed`),
      seen,
    );
  };
}
