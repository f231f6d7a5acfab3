import type { Cell } from '../cells/cell.ts';
import type { EndCause } from '../core/cell.ts';
import { NodelessError } from '../core/errors.ts';
import type { Placement } from '../placement/placement.ts';

/** Counts a machine that ended before its kubelet came against what it was launched as, so that the next is another. */
export function learnFromEnd(
  placement: Pick<Placement, 'failedToBoot'>,
  { phase, offering, cellClass }: Pick<Cell, 'phase' | 'offering' | 'cellClass'>,
  reason: string,
  cause?: EndCause,
): void {
  if (phase !== 'booting' || offering === undefined || cellClass === undefined) return;
  const { code, scope } = cause ?? {};
  const identity = scope === undefined ? {} : { scope };
  const error = code === undefined ? undefined : new NodelessError({ code, message: reason, identity });
  placement.failedToBoot({ offering, cellClass }, error);
}
