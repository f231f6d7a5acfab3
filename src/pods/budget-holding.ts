import type { Book } from '../cells/book.ts';
import { type Cell, classNameOf } from '../cells/cell.ts';
import type { CollectionReader } from '../kube/collection.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import { BUILT_IN_CLASS } from '../placement/cell-classes.ts';
import type { Spending } from '../placement/spending.ts';
import { recordedChoice } from './recorded-choice.ts';

export interface BudgetHolding {
  readonly book: Pick<Book, 'cells' | 'get' | 'onChange'>;
  readonly pods: Pick<CollectionReader<WirePod>, 'get'>;
  readonly spending: Pick<Spending, 'hold' | 'release' | 'settle'>;
}

interface Cost {
  readonly className: string;
  readonly pricePerHourUsd: number;
}

/** What a cell found at a start counts as: by its machine, or by its pod's record as long as the cloud's list lacks that. */
function costOf(cell: Cell, pods: BudgetHolding['pods']): Cost {
  const { machine } = cell;
  const [namespace, name = ''] = cell.pod.split('/');
  const pod = machine === undefined ? pods.get(namespace, name) : undefined;
  const recorded = pod?.metadata.uid === cell.podUid ? recordedChoice(pod) : undefined;
  return {
    className: classNameOf(cell) ?? recorded?.cellClass ?? BUILT_IN_CLASS,
    pricePerHourUsd: machine?.pricePerHourUsd ?? recorded?.pricePerHourUsd ?? 0,
  };
}

/**
 * Counts the cells that were found at a start to the budgets of their classes, and every cell no more when it has left the
 * book; those that are launched from now on are counted when they are chosen, and at what they cost when the cloud has said which
 * of its alternatives each is.
 * @returns what ends it
 */
export function holdBudgets({ book, pods, spending }: BudgetHolding): () => void {
  /** Cells whose machines the cloud's list lacked. */
  const unlisted = new Set<string>();
  const hold = (cell: Cell) => {
    const { className, pricePerHourUsd } = costOf(cell, pods);
    spending.hold(cell.cellId, className, pricePerHourUsd);
  };
  for (const cell of book.cells()) {
    hold(cell);
    if (cell.machine === undefined) unlisted.add(cell.cellId);
  }
  return book.onChange((cell) => {
    const isGone = book.get(cell.cellId) === undefined;
    if (isGone) spending.release(cell.cellId);
    else if (cell.machine === undefined) return;
    else if (unlisted.has(cell.cellId)) hold(cell);
    else spending.settle(cell.cellId, cell.machine.pricePerHourUsd);
    unlisted.delete(cell.cellId);
  });
}
