import { type Invariant, isLive, isWaiting } from '../observation.ts';

/** No pod has two machines that run or may run; one that has ended and waits for its removal doesn't count. */
export function oneMachinePerPod(): Invariant {
  return ({ machines }) => {
    const byPod = Map.groupBy(
      machines.filter((one) => isLive(one) && !isWaiting(one)),
      ({ podUid }) => podUid,
    );
    return [...byPod]
      .filter(([, twins]) => twins.length > 1)
      .map(([uid, twins]) => `pod ${uid} has the machines ${twins.map(({ cellId }) => cellId).join(' and ')}`);
  };
}
