import { describe, expect, test } from 'vitest';
import { Collection } from '../../../src/kube/collection.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';
import { countCellsElsewhere } from '../../../src/placement/cells-elsewhere.ts';
import { Spending } from '../../../src/placement/spending.ts';
import { cellClass } from '../../support/cell-class.ts';

const BUDGET = cellClass({ budgets: { maxCells: 10, maxPricePerHourUsd: 1 } }, 'batch');

function cell(name: string, zone: string, revision: string, status: object = {}): KubeObject {
  const labels = { 'topology.kubernetes.io/zone': zone };
  const known = { cellClass: 'batch', pricePerHourUsd: '0.2500', ...status };
  return { metadata: { name, labels, resourceVersion: revision }, status: known };
}

describe('cells of other zones', () => {
  test('count to the budget of their class for as long as their objects are there, and those of the own zone do not', () => {
    const spending = new Spending();
    const cells = new Collection<KubeObject>();
    cells.replace([cell('there', 'b', '1'), cell('own', 'a', '2')], '2');
    const end = countCellsElsewhere(spending, cells, 'a');
    expect(spending.room(BUDGET).cells).toBe(9);
    cells.apply('ADDED', cell('later', 'b', '3'));
    cells.apply('MODIFIED', cell('later', 'b', '4', { pricePerHourUsd: '0.5000' }));
    cells.apply('ADDED', cell('unknown', 'b', '5', { cellClass: '' }));
    expect(spending.room(BUDGET).cells).toBe(8);
    expect(spending.room(BUDGET).pricePerHourUsd).toBeCloseTo(0.25);
    cells.apply('DELETED', cell('there', 'b', '6'));
    expect(spending.room(BUDGET).cells).toBe(9);
    end();
    cells.apply('DELETED', cell('later', 'b', '7'));
    expect(spending.room(BUDGET).cells).toBe(9);
  });

  test('leave a budget no room before they have been listed, as at the start of a leadership', () => {
    const spending = new Spending();
    const cells = new Collection<KubeObject>();
    countCellsElsewhere(spending, cells, 'a');
    expect(spending.room(BUDGET)).toEqual({ cells: 0, pricePerHourUsd: 0, isUnknown: true });
    expect(spending.room(cellClass({ budgets: { maxPricePerHourUsd: 1 } })).pricePerHourUsd).toBe(0);
    expect(spending.room(cellClass()).cells).toBe(Number.POSITIVE_INFINITY);
    const there = Array.from({ length: 10 }, (_, index) => cell(`c${index}`, 'b', `${index + 1}`));
    cells.replace(there, '10');
    expect(spending.room(BUDGET)).toMatchObject({ cells: 0 });
    expect(spending.room(BUDGET)).not.toHaveProperty('isUnknown');
    cells.apply('DELETED', cell('c0', 'b', '11'));
    expect(spending.room(BUDGET).cells).toBe(1);
  });
});
