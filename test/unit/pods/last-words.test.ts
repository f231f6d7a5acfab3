import { describe, expect, test, vi } from 'vitest';
import { Book } from '../../../src/cells/book.ts';
import type { CellPhase } from '../../../src/core/cell.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { endOfText } from '../../../src/core/console-text.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { tellLastWords } from '../../../src/pods/last-words.ts';
import { cellClass } from '../../support/cell-class.ts';
import { machineOf, offering } from './world.ts';

const POD: WirePod = { metadata: { name: 'p', namespace: 'ns', uid: 'u' }, spec: { containers: [] } };
const TAGS = { clusterUid: 'c', virtualNode: 'n', cellId: 'cell-x', pod: 'ns/p', podUid: 'u' };

/** A pod whose cell's machine boots. */
function rig(consoleOf: () => Promise<string> = async () => 'panic\n', pod = POD) {
  const book = new Book(systemClock);
  const told: string[] = [];
  const read = vi.fn(consoleOf);
  const events = { warning: (_: unknown, reason: string, message: string) => void told.push(`${reason}: ${message}`) };
  tellLastWords({ book, pods: { get: (uid) => (uid === 'u' ? pod : undefined) }, events, consoleOf: read });
  const cell = book.add({ cellId: 'cell-x', podUid: 'u', pod: 'ns/p' }, 'requested');
  const order = { offering: offering('small', 1), cellClass: cellClass(), bootstrap: {} as never };
  book.seen(cell, machineOf({ tags: TAGS, ...order }));
  book.enter(cell, 'booting');
  return { book, cell, told, read };
}

describe('a machine that never becomes a cell', () => {
  test.each<CellPhase>(['ending', 'lost'])('has the end of its console told to its pod, once: %s', async (phase) => {
    const { book, cell, told, read } = rig();
    book.enter(cell, phase, 'it did not come');
    book.enter(cell, 'ended');
    book.remove(cell);
    await vi.waitFor(() => expect(told).toEqual(['CellConsole: the console of cell-x ends with:\npanic']));
    expect(read).toHaveBeenCalledTimes(1);
  });

  test('whose console is empty, or can not be read, has that told', async () => {
    const empty = rig(async () => ' \n');
    empty.book.enter(empty.cell, 'ending');
    await vi.waitFor(() => expect(empty.told).toEqual(['CellConsole: the console of cell-x is empty']));
    const failing = rig(() => Promise.reject(new Error('not allowed')));
    failing.book.enter(failing.cell, 'ending');
    const message = 'CellConsole: the console of cell-x can not be read: not allowed';
    await vi.waitFor(() => expect(failing.told).toEqual([message]));
  });

  test('is of no interest where its kubelet was there, or its pod is deleted', () => {
    const came = rig();
    came.book.heartbeat('cell-x');
    came.book.enter(came.cell, 'lost');
    expect(came.read).not.toHaveBeenCalled();
    const deleted = { ...POD, metadata: { ...POD.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    const gone = rig(undefined, deleted);
    gone.book.enter(gone.cell, 'ending');
    expect(gone.read).not.toHaveBeenCalled();
  });
});

describe('the end of a text', () => {
  test.each([
    ['short\n', 20, 'short'],
    ['first line\nsecond line\nthird line\n', 15, 'third line'],
    ['one endless line', 7, 'ss line'],
    ['\u001b[2Jcleared\u0007\r\n', 20, 'cleared'],
    ['', 5, ''],
  ])('%j within %i characters is %j', (text, characters, end) => {
    expect(endOfText(text, characters)).toBe(end);
  });
});
