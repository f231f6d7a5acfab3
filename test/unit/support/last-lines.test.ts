import { expect, test } from 'vitest';
import { lastLines } from '../../support/last-lines.ts';

const PIECES: readonly (readonly [readonly string[], string])[] = [
  [[], ''],
  [['one\n'], 'one\n'],
  [['one\ntwo\nthree\n'], 'two\nthree\n'],
  [['on', 'e\ntw', 'o\n', 'three', '\n'], 'two\nthree\n'],
  [['one\ntwo\nthree\n', 'and a beg'], 'two\nthree\nand a beg'],
];

test.each(PIECES)('of %j the last two lines are %j', (pieces, expected) => {
  const lines = lastLines(2);
  for (const piece of pieces) lines.add(piece);
  expect(lines.text()).toBe(expected);
});
