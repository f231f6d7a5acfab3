import { describe, expect, test } from 'vitest';
import { SetsByKey } from '../../../src/core/sets-by-key.ts';

describe('sets by key', () => {
  test('give the first few, and all in turn', () => {
    const sets = new SetsByKey();
    for (const value of ['a', 'b', 'c']) sets.add('k', value);
    expect(sets.next('k', 2)).toEqual(['a', 'b']);
    expect(sets.next('k', 2)).toEqual(['c', 'a']);
    sets.delete('k', 'b');
    expect(sets.next('k', 5)).toEqual(['c', 'a']);
    expect(sets.next('none', 1)).toEqual([]);
  });
});
