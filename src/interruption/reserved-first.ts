import { isReserve } from '../core/cell.ts';
import type { WarmCells } from '../pods/warm-cells.ts';
import type { Reserves } from './reserves.ts';

/** The cells that wait in pools, and before them those that are kept for a pod's controller alone. */
export function reservedFirst(reserves: Pick<Reserves, 'isFor' | 'take' | 'giveBack'>, pools: WarmCells): WarmCells {
  return {
    isFor: (pod) => reserves.isFor(pod) || pools.isFor(pod),
    take: (pod, wanted) => reserves.take(pod, wanted) ?? pools.take(pod, wanted),
    giveBack: (cell) => (isReserve(cell.pool) ? reserves.giveBack(cell) : pools.giveBack(cell)),
    yieldBudget: (...asked) => pools.yieldBudget(...asked),
    forget: (podUid) => pools.forget(podUid),
  };
}
