import { type Invariant, mayBeLost, type Observation, type PodSeen } from '../observation.ts';

/** A kubelet that is interrupted while it makes a container makes another one. */
function mayStartTwice({ attacks }: Observation, { cellId }: PodSeen, readySinceMs: number | undefined): boolean {
  return attacks.some(
    (attack) => attack.cellId === cellId && attack.atMs <= (readySinceMs ?? Number.POSITIVE_INFINITY),
  );
}

/**
 * No container is ever restarted or becomes another: neither when the provider is killed, nor when its own kubelet or
 * containerd is. Only a cell that was attacked before its pod was Ready, or was ended, is exempt.
 */
export function containersStay(): Invariant {
  const idOf = new Map<string, string>();
  const readySinceMs = new Map<string, number>();
  return (seen) => {
    const wrong: string[] = [];
    for (const pod of seen.api?.pods ?? []) {
      const exempt = mayStartTwice(seen, pod, readySinceMs.get(pod.uid)) || mayBeLost(seen, pod.cellId);
      if (pod.ready && !readySinceMs.has(pod.uid)) readySinceMs.set(pod.uid, seen.atMs);
      for (const { name, id, restarts } of exempt ? [] : pod.containers) {
        const key = `${pod.uid}/${name}`;
        const known = idOf.get(key);
        if (id !== '' && known === undefined) idOf.set(key, id);
        const what = `container ${name} of pod ${pod.name} on cell ${pod.cellId}`;
        if (known !== undefined && known !== id) wrong.push(`${what} was ${known} and is ${id || 'none'}`);
        if (restarts > 0) wrong.push(`${what} was restarted ${restarts} times`);
      }
    }
    return wrong;
  };
}
