import { expect, test } from 'vitest';
import type { Cell } from '../../../src/cells/cell.ts';
import { type SurplusTerms, surplus } from '../../../src/warm-pool/surplus.ts';

const HOUR_MS = 3_600_000;

/** Cells by name, each with its age in seconds. */
function cells(ages: Readonly<Record<string, number>>): readonly Cell[] {
  return Object.entries(ages).map(
    ([cellId, ageS]) => ({ cellId, machine: { createdAtMs: HOUR_MS - ageS * 1_000 } }) as unknown as Cell,
  );
}

const TERMS: SurplusTerms = {
  running: 2,
  atMost: 2,
  max: 4,
  nowMs: HOUR_MS,
  canReplace: true,
  isWorn: ({ cellId }) => cellId === 'worn',
  isUnfit: ({ cellId }) => cellId.startsWith('unfit'),
};

test.each([
  ['as many as wanted wait: none', { a: 300, b: 300 }, {}, {}, []],
  ['more wait: the oldest', { a: 300, b: 400, c: 500 }, {}, {}, ['c']],
  ['more wait, and their minute is billed for some only: those', { a: 300, b: 20, c: 30, d: 40 }, {}, {}, ['a']],
  ['more wait than it may have: also those whose minute is not over', { a: 3, b: 2, c: 1 }, {}, { max: 2 }, ['a']],
  ['others come: none of those that wait', { a: 300, b: 300 }, { c: 1, d: 1 }, {}, []],
  ['more come than it may have: the last', { a: 300, b: 300 }, { c: 1, d: 1, e: 1 }, {}, ['e']],
  ['one is worn and its successor comes: none', { worn: 300, b: 300 }, { c: 1 }, {}, []],
  ['one is worn at its most, and its successor comes: none', { worn: 300, b: 300 }, { c: 1 }, { max: 2 }, []],
  ['one is worn and its successor waits: that one', { a: 900, worn: 300, c: 1 }, {}, {}, ['worn']],
  ['one is worn of too many: that one first', { a: 900, worn: 300, c: 300, d: 300 }, {}, {}, ['worn', 'a']],
  ['two do not fit, and their successors come: none', { unfit1: 300, unfit2: 300 }, { c: 1, d: 1 }, { max: 2 }, []],
  ['two do not fit and one successor waits: one', { unfit1: 300, unfit2: 200, c: 1 }, { d: 1 }, {}, ['unfit1']],
  ['one does not fit and one is worn: first what does not fit', { worn: 900, unfit: 300, c: 1 }, {}, {}, ['unfit']],
  ['two do not fit and none can be ordered: one', { unfit1: 300, unfit2: 200 }, {}, { canReplace: false }, ['unfit1']],
  ['one is worn and none can be ordered: none', { worn: 300, b: 300 }, {}, { canReplace: false }, []],
  ['none are wanted: all', { a: 300, b: 300 }, {}, { running: 0, atMost: 0 }, ['a', 'b']],
])('where %s', (_, ready, booting, terms, ended) => {
  const ends = surplus(cells(ready as Record<string, number>), cells(booting as Record<string, number>), {
    ...TERMS,
    ...(terms as Partial<SurplusTerms>),
  });
  expect(ends.map(({ cell }) => cell.cellId)).toEqual(ended);
});
