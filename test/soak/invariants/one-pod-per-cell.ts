import { type Invariant, isWaiting } from '../observation.ts';

/** A cell serves one pod in its life, and one that has served is never there again: by folders, annotations and time. */
export function onePodPerCell(): Invariant {
  const podOf = new Map<string, string>();
  const served = new Set<string>();
  const gone = new Set<string>();
  const pooled = new Set<string>();
  return ({ machines, api }) => {
    for (const { cellId, ofPool } of machines) if (ofPool) pooled.add(cellId);
    const uses = [
      ...machines.filter((one) => !isWaiting(one)).map(({ cellId, podUid }) => ({ cellId, podUid })),
      ...(api?.pods ?? []).flatMap(({ uid, cellId = '', handedOver }) => {
        // A claim that was written on the pod and not on the machine is void.
        return cellId === '' || (pooled.has(cellId) && !handedOver) ? [] : [{ cellId, podUid: uid }];
      }),
    ];
    for (const { cellId, podUid } of uses) if (!podOf.has(cellId)) podOf.set(cellId, podUid);
    for (const { cellId, handedOver } of api?.pods ?? []) if (handedOver && cellId !== undefined) served.add(cellId);
    const present = new Set(machines.map(({ cellId }) => cellId));
    const back = [...present].filter((cellId) => gone.has(cellId));
    for (const cellId of served) if (podOf.has(cellId) && !present.has(cellId)) gone.add(cellId);
    return [
      ...uses
        .filter(({ cellId, podUid }) => podOf.get(cellId) !== podUid)
        .map(({ cellId, podUid }) => `cell ${cellId} of pod ${podOf.get(cellId)} is used for pod ${podUid}`),
      ...back.map((cellId) => `cell ${cellId} has ended after it served, and is there again`),
    ];
  };
}
