import type { Cell } from '../cells/cell.ts';
import type { EndCause } from '../core/cell.ts';
import { NodelessError } from '../core/errors.ts';
import type { Experience } from '../placement/experience.ts';

/** Notes of a cell whose kubelet has come that what it was launched as boots, and what such a machine has to give. */
export function learnFromStart(
  experience: Pick<Experience, 'booted' | 'measured'>,
  { offering, cellClass, allocatable }: Pick<Cell, 'offering' | 'cellClass' | 'allocatable'>,
): void {
  if (offering === undefined || cellClass === undefined) return;
  experience.booted({ offering, cellClass });
  if (allocatable !== undefined) experience.measured({ offering, cellClass }, allocatable);
}

/** Counts a cell that no pod could use in time against what it was launched as; a machine that came, but has less than was offered, is no lack of capacity. */
export function learnFromFailedStart(
  experience: Pick<Experience, 'failedToBoot' | 'measured'>,
  { offering, cellClass, allocatable }: Pick<Cell, 'offering' | 'cellClass' | 'allocatable'>,
): void {
  if (offering === undefined || cellClass === undefined) return;
  const learned = allocatable !== undefined && experience.measured({ offering, cellClass }, allocatable);
  if (!learned) experience.failedToBoot({ offering, cellClass });
}

/** Counts a machine that ended before its kubelet came against what it was launched as, so that the next is another. */
export function learnFromEnd(
  experience: Pick<Experience, 'failedToBoot'>,
  { phase, offering, cellClass }: Pick<Cell, 'phase' | 'offering' | 'cellClass'>,
  reason: string,
  cause?: EndCause,
): void {
  if (phase !== 'booting' || offering === undefined || cellClass === undefined) return;
  const { code, scope } = cause ?? {};
  const identity = scope === undefined ? {} : { scope };
  const error = code === undefined ? undefined : new NodelessError({ code, message: reason, identity });
  experience.failedToBoot({ offering, cellClass }, error);
}
