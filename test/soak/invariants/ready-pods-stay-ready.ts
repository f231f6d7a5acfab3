import { type Invariant, isFinished, mayBeLost } from '../observation.ts';
import { type Limit, servedPatience, wallPatience } from './patience.ts';

/**
 * A pod that was Ready stays so, for as long as it is wanted. Whose kubelet or containerd was killed is Ready again in
 * the time that leading providers have for it; any other is never more than a few failed probes away.
 */
export function readyPodsStayReady(limits: { readonly unhurt: Limit; readonly hurt: Limit }): Invariant {
  const [unhurtTooLong, hurtTooLong] = [wallPatience(limits.unhurt), servedPatience(limits.hurt)];
  const wasReady = new Set<string>();
  return (seen) => {
    if (seen.api === undefined) return [];
    for (const { uid, ready } of seen.api.pods) if (ready) wasReady.add(uid);
    const fallen = seen.api.pods.filter(
      (pod) => wasReady.has(pod.uid) && !pod.ready && !pod.deleting && !isFinished(pod) && !mayBeLost(seen, pod.cellId),
    );
    const hurt = new Set(seen.attacks.map(({ cellId }) => cellId));
    const linesOf = (wanted: boolean) =>
      fallen
        .filter(({ cellId }) => hurt.has(cellId ?? '') === wanted)
        .map(({ uid, name, cellId }) => [uid, `pod ${name} on cell ${cellId} was Ready and is not`] as const);
    return [...unhurtTooLong(new Map(linesOf(false)), seen), ...hurtTooLong(new Map(linesOf(true)), seen)];
  };
}
