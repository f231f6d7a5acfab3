import type { NodelessError } from '../core/errors.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import { awaitedBudget, isReasonToWait } from './waiting.ts';
import type { WarmCells } from './warm-cells.ts';

export interface BudgetRequest {
  readonly pod: WirePod;
  readonly error: NodelessError;
  /** Chooses the pod's cell as if some cells had ended. */
  readonly chooseInsteadOf: (cellIds: readonly string[]) => Promise<unknown>;
}

/** Has cells that wait in pools end for a pod that waits for their class's budget, where that is enough for it. */
export async function askForBudget(warm: WarmCells, request: BudgetRequest): Promise<void> {
  const { pod, error, chooseInsteadOf } = request;
  const className = awaitedBudget(error);
  if (className === undefined) return;
  await warm.yieldBudget(pod.metadata.uid ?? '', className, async (cellIds) => {
    try {
      await chooseInsteadOf(cellIds);
      return true;
    } catch (refused) {
      if (!isReasonToWait(refused)) throw refused;
      return false;
    }
  });
}
