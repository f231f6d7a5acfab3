import { describe, expect, test, vi } from 'vitest';
import { Book } from '../../../src/cells/book.ts';
import { isNeededByOthers, isWarm, membersBefore } from '../../../src/cells/cell.ts';
import { systemClock } from '../../../src/core/clock.ts';

function shared() {
  const book = new Book(systemClock);
  const cell = book.add({ cellId: 'cell-1', podUid: 'a', pod: 'ns/a' }, 'booting');
  book.join(cell, { uid: 'b', pod: 'ns/b' });
  return { book, cell };
}

describe('a cell of several pods', () => {
  test('is shown each pod when that one is handed over, and not before', () => {
    const { book, cell } = shared();
    const shown = vi.fn();
    book.onShown('cell-1', shown);
    book.handOver(cell, 'b');
    expect([...book.podUids('cell-1')]).toEqual(['b']);
    book.handOver(cell, 'a');
    expect([...book.podUids('cell-1')]).toEqual(['a', 'b']);
    expect(shown.mock.calls).toEqual([['b'], ['a']]);
    expect(cell.phase).toBe('running');
  });

  test('is the cell of each of its pods, until that one leaves', () => {
    const { book, cell } = shared();
    expect([book.ofPod('a'), book.ofPod('b')]).toEqual([cell, cell]);
    book.leave(cell, 'a');
    expect([book.ofPod('a'), book.ofPod('b')]).toEqual([undefined, cell]);
    expect(book.podUids('cell-1').size).toBe(0);
    book.remove(cell);
    expect(book.ofPod('b')).toBeUndefined();
  });

  test('is needed while a pod of it is neither gone nor done', () => {
    const { book, cell } = shared();
    expect(isNeededByOthers(cell, 'a')).toBe(true);
    book.retire(cell, 'b');
    expect(isNeededByOthers(cell, 'a')).toBe(false);
    expect(isNeededByOthers(cell, 'b')).toBe(true);
  });

  test('shows a pod that is done until it is gone', () => {
    const { book, cell } = shared();
    book.handOver(cell, 'a');
    book.retire(cell, 'a');
    expect([...book.podUids('cell-1')]).toEqual(['a']);
  });

  test('keeps room for pods that joined earlier, and for those that it has', () => {
    const { book, cell } = shared();
    book.join(cell, { uid: 'c', pod: 'ns/c' });
    const earlier = (uid: string) => membersBefore(cell, uid).map((member) => member.uid);
    expect([earlier('a'), earlier('b'), earlier('c')]).toEqual([[], ['a'], ['a', 'b']]);
    book.handOver(cell, 'c');
    expect(earlier('a')).toEqual(['c']);
  });

  test('that has left the book takes nobody in', () => {
    const { book, cell } = shared();
    book.remove(cell);
    book.join(cell, { uid: 'c', pod: 'ns/c' });
    expect(book.ofPod('c')).toBeUndefined();
  });

  test('a pod that got another cell is not forgotten with its old one', () => {
    const { book, cell } = shared();
    const next = book.add({ cellId: 'cell-2', podUid: 'b', pod: 'ns/b' }, 'requested');
    book.remove(cell);
    expect(book.ofPod('b')).toBe(next);
  });
});

describe('a claim that was written nowhere', () => {
  function claimed() {
    const book = new Book(systemClock);
    const pool = { uid: 'pool', name: 'web' };
    const cell = book.add({ cellId: 'cell-1', podUid: '', pod: '', pool }, 'ready', []);
    book.claim(cell, { uid: 'a', pod: 'ns/a' });
    return { book, cell };
  }

  test('leaves the cell to the next pod', () => {
    const { book, cell } = claimed();
    book.unclaim(cell);
    expect([book.ofPod('a'), isWarm(cell), cell.phase]).toEqual([undefined, true, 'ready']);
    book.claim(cell, { uid: 'c', pod: 'other/c' });
    expect(book.ofPod('c')).toBe(cell);
  });

  test('loses a cell that another pod has joined meanwhile: it is nobody else’s', () => {
    const { book, cell } = claimed();
    book.join(cell, { uid: 'b', pod: 'ns/b' });
    book.unclaim(cell);
    expect([book.ofPod('a'), book.ofPod('b')]).toEqual([undefined, cell]);
    expect([isWarm(cell), cell.phase, isNeededByOthers(cell, 'b')]).toEqual([false, 'lost', false]);
    expect(() => book.claim(cell, { uid: 'c', pod: 'other/c' })).toThrow('waits for no pod');
  });
});
