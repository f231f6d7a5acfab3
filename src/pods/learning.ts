import type { Cell } from '../cells/cell.ts';
import type { EndCause } from '../core/cell.ts';
import { NodelessError } from '../core/errors.ts';
import type { Placement } from '../placement/placement.ts';

/** Notes of a cell whose kubelet has come that what it was launched as boots, and what such a machine has to give. */
export function learnFromStart(
  placement: Pick<Placement, 'booted' | 'measured'>,
  { offering, cellClass, allocatable }: Pick<Cell, 'offering' | 'cellClass' | 'allocatable'>,
): void {
  if (offering === undefined || cellClass === undefined) return;
  placement.booted({ offering, cellClass });
  if (allocatable !== undefined) placement.measured({ offering, cellClass }, allocatable);
}

/** Counts a cell that no pod could use in time against what it was launched as; a machine that came, but has less than was offered, is no lack of capacity. */
export function learnFromFailedStart(
  placement: Pick<Placement, 'failedToBoot' | 'measured'>,
  { offering, cellClass, allocatable }: Pick<Cell, 'offering' | 'cellClass' | 'allocatable'>,
): void {
  if (offering === undefined || cellClass === undefined) return;
  const learned = allocatable !== undefined && placement.measured({ offering, cellClass }, allocatable);
  if (!learned) placement.failedToBoot({ offering, cellClass });
}

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
