import { describe, expect, test } from 'vitest';
import { Book } from '../../../src/cells/book.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { CHOICE_ANNOTATION } from '../../../src/core/names.ts';
import { Collection } from '../../../src/kube/collection.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { Spending } from '../../../src/placement/spending.ts';
import { holdBudgets } from '../../../src/pods/budget-holding.ts';
import { cellClass } from '../../support/cell-class.ts';
import { cellMachine } from '../../support/cell-machine.ts';

const BATCH = cellClass({ budgets: { maxCells: 2, maxPricePerHourUsd: 10 } }, 'batch');

function podWith(uid: string, annotations: Record<string, string>): WirePod {
  return { metadata: { name: 'a', namespace: 'ns', uid, annotations }, spec: { containers: [] } } as never;
}

const RECORD = JSON.stringify({
  ...{ attempt: 1, cellClass: 'batch', need: {}, instanceType: 't', launchType: 'l' },
  ...{ zone: 'z', pricePerHourUsd: 4, why: 'w' },
});

/** A leadership that finds one cell, of pod ns/a, which the cloud's list lacks. */
function found(pod: WirePod) {
  const book = new Book(systemClock);
  const pods = new Collection<WirePod>();
  pods.replace([pod], '1');
  const spending = new Spending();
  const cell = book.add({ cellId: 'c', podUid: 'uid-a', pod: 'ns/a' }, 'running');
  holdBudgets({ book, pods, spending });
  const left = () => {
    const { cells, pricePerHourUsd } = spending.room(BATCH);
    return [cells, Math.round(pricePerHourUsd)];
  };
  return { book, cell, left };
}

describe('a cell that the cloud’s list lacks at a start', () => {
  test('counts to the budget of its class, at the price that is written on its pod', () => {
    expect(found(podWith('uid-a', { [CHOICE_ANNOTATION]: RECORD })).left()).toEqual([1, 6]);
  });

  test('counts there from when it is listed, where its pod says nothing', () => {
    const { book, cell, left } = found(podWith('uid-a', {}));
    expect(left()).toEqual([2, 10]);
    book.seen(cell, { ...cellMachine('c', 'uid-a', 'running', { cellClass: 'batch' }), pricePerHourUsd: 3 });
    expect(left()).toEqual([1, 7]);
    book.remove(cell);
    expect(left()).toEqual([2, 10]);
  });

  test('is not taken for what is written on another pod of its name', () => {
    expect(found(podWith('uid-b', { [CHOICE_ANNOTATION]: RECORD })).left()).toEqual([2, 10]);
  });
});
