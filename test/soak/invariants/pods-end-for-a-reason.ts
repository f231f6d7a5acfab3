import { type Invariant, isFinished, mayBeLost } from '../observation.ts';

/** A pod fails only when its cell was ended by the soak, and is told so; it succeeds only as a Job's, or deleted. */
export function podsEndForAReason(): Invariant {
  return (seen) =>
    (seen.api?.pods ?? [])
      .filter((pod) => isFinished(pod) && !pod.deleting)
      .flatMap((pod) => {
        const { name, phase, reason, cellId, ofJob } = pod;
        if (phase === 'Succeeded' && ofJob) return [];
        if (phase === 'Failed' && reason === 'CellLost' && mayBeLost(seen, cellId)) return [];
        return [`pod ${name} on cell ${cellId} is ${phase} (${reason ?? 'no reason'}), and nothing was done to it`];
      });
}
