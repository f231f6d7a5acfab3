import { type Invariant, isFinished } from '../observation.ts';
import { servedPatience } from './patience.ts';

/** A pod becomes Ready, and a deleted one goes, in the time that a leading provider has for it. */
export function podsStartAndGo(limitMs: number): Invariant {
  const overdue = servedPatience(limitMs);
  return (seen) => {
    const pods = seen.api?.pods ?? [];
    const starting = pods.filter((pod) => !pod.deleting && !pod.ready && !isFinished(pod));
    return overdue(
      [
        ...starting.map(({ uid, name, cellId }) => `pod ${name} (${uid}) on cell ${cellId} does not become Ready`),
        ...pods
          .filter(({ deleting }) => deleting)
          .map(({ uid, name, cellId }) => `pod ${name} (${uid}) on cell ${cellId} is deleted and does not go`),
      ],
      seen,
    );
  };
}
