import { type Invariant, isFinished, type PodSeen } from '../observation.ts';
import { type Limit, servedPatience } from './patience.ts';

function unfinishedOf(pod: PodSeen): string | undefined {
  if (pod.deleting) return 'is deleted and does not go';
  return pod.ready || isFinished(pod) ? undefined : 'does not become Ready';
}

/** A pod becomes Ready, and a deleted one goes, in the time that leading providers have for it. */
export function podsStartAndGo(limit: Limit): Invariant {
  const overdue = servedPatience(limit);
  return (seen) => {
    if (seen.api === undefined) return [];
    const lines = seen.api.pods.flatMap((pod) => {
      const wrong = unfinishedOf(pod);
      const { uid, name, cellId } = pod;
      return wrong === undefined
        ? []
        : [[`${uid} ${wrong}`, `pod ${name} (${uid}) on cell ${cellId} ${wrong}`] as const];
    });
    return overdue(new Map(lines), seen);
  };
}
