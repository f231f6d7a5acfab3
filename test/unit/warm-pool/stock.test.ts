import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Cell } from '../../../src/cells/cell.ts';
import { Stock } from '../../../src/warm-pool/stock.ts';

function cell(id: number, poolUid: string, pricePerHourUsd: number, memoryGib = 1): Cell {
  const allocatable = { cpuMilli: 1_000, memoryBytes: memoryGib * 1_024 ** 3, ephemeralStorageBytes: 0, extended: {} };
  const machine = { pricePerHourUsd, launchType: 'local', instanceType: `of-${memoryGib}`, zone: 'z', allocatable };
  return { cellId: `cell-${id}`, pool: { name: poolUid, uid: poolUid }, machine } as unknown as Cell;
}

const cells = fc
  .array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 3 })), {
    maxLength: 40,
  })
  .map((all) => all.map(([pool, price, memory], id) => cell(id, pool, price, memory)));

describe('the cells that wait', () => {
  test('are given the cheapest first, of the pools that are asked for, whatever came and went', () => {
    fc.assert(
      fc.property(cells, fc.array(fc.nat(39)), fc.constantFrom('a', 'b', 'c'), (all, gone, pool) => {
        const stock = new Stock();
        for (const one of all) stock.add(one);
        for (const id of gone) stock.remove(`cell-${id}`);
        const left = all.filter((one, id) => one.pool?.uid === pool && !gone.includes(id));
        const found = stock.cheapest(
          (uid) => uid === pool,
          () => true,
        );
        const best = Math.min(...left.map(({ machine }) => machine?.pricePerHourUsd ?? 0));
        expect(found?.machine?.pricePerHourUsd).toBe(left.length === 0 ? undefined : best);
      }),
    );
  });

  test('that will not do are passed over for what costs more', () => {
    const stock = new Stock();
    for (const one of [cell(1, 'a', 1, 1), cell(2, 'a', 2, 2)]) stock.add(one);
    const large = stock.cheapest(
      () => true,
      ({ machine }) => (machine?.allocatable.memoryBytes ?? 0) > 1_024 ** 3,
    );
    expect(large?.cellId).toBe('cell-2');
  });

  test('are looked at by kind: 20,000 cost no more looks than 20', () => {
    const stock = new Stock();
    for (let id = 0; id < 20_000; id += 1) stock.add(cell(id, `pool-${id % 200}`, 1 + (id % 200)));
    let looks = 0;
    stock.cheapest(
      (uid) => uid === 'pool-199',
      () => {
        looks += 1;
        return false;
      },
    );
    expect(looks).toBeLessThanOrEqual(4);
  });
});
