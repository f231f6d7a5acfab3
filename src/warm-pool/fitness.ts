import type { Cell } from '../cells/cell.ts';
import type { CellClass } from '../core/cell-class.ts';
import { covers, type Resources } from '../core/resources.ts';
import type { WarmPoolSpec } from '../core/warm-pool.ts';
import { allowanceOf } from '../placement/allowance.ts';
import { freeOn, type Share, standingOf } from '../pods/room.ts';

/** What the cells of a pool are to be like now. */
export interface FitTerms {
  readonly spec: Pick<WarmPoolSpec, 'cellClass' | 'launchTypes' | 'zone'>;
  /** What a pod of the pool may request; undefined while that is not known. */
  readonly size: Resources | undefined;
  /** The class that its cells are launched by, as it is now; undefined while that is not known. */
  readonly cellClass: CellClass | undefined;
  /** What pods may have of a machine; undefined while that is not known. */
  readonly shareOf: Share | undefined;
}

/** Why no pod that a pool is sized for would be given this cell; undefined while one may be, as far as is known. */
export function unfitness(cell: Cell, { spec, size, cellClass, shareOf }: FitTerms): string | undefined {
  const { className, machine } = standingOf(cell);
  if (machine === undefined) return undefined;
  const wanted = spec.cellClass ?? cellClass?.name;
  if (wanted !== undefined && className !== wanted) return `it is of CellClass ${className}, and not ${wanted}`;
  if (spec.zone !== undefined && machine.zone !== spec.zone) return `it is in ${machine.zone}, and not ${spec.zone}`;
  const isLaunchType = spec.launchTypes?.includes(machine.launchType) ?? true;
  if (!isLaunchType || (cellClass !== undefined && allowanceOf(cellClass.spec)(machine) !== undefined))
    return `it is ${machine.launchType} ${machine.instanceType}, which is not allowed any more`;
  if (
    size === undefined ||
    shareOf === undefined ||
    covers(
      freeOn(cell, [], () => size, shareOf),
      size,
    )
  )
    return undefined;
  return 'it has too little beside its agents';
}
