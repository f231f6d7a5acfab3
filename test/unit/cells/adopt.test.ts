import { describe, expect, test } from 'vitest';
import { adopt, type Binding } from '../../../src/cells/adopt.ts';
import { Book } from '../../../src/cells/book.ts';
import { type CellMachine, NODE_CELL } from '../../../src/core/cell.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { cellMachine } from '../../support/cell-machine.ts';

function waits(uid: string, cellId: string, more: Partial<Binding> = {}): Binding {
  const facts = { handedOver: false, finished: false, seeksCompany: false, mayNeedNodeCell: false, injected: false };
  return { uid, pod: `ns/${uid}`, cellId, ...facts, ...more };
}

function ran(uid: string, cellId: string, more: Partial<Binding> = {}): Binding {
  return waits(uid, cellId, { handedOver: true, ...more });
}

/** Which pods each cell has again. */
function adopted(machines: readonly CellMachine[], bindings: readonly Binding[]) {
  const book = new Book(systemClock);
  adopt(book, machines, bindings);
  return Object.fromEntries([...book.cells()].map(({ cellId, members }) => [cellId, [...members.keys()]]));
}

describe('adoption after a restart', () => {
  test('finds running and booting cells again, and leaves strangers to the census', () => {
    const book = new Book(systemClock);
    const machines = [
      cellMachine('cell-1', 'run'),
      cellMachine('cell-2', 'boot'),
      cellMachine('cell-3', 'moved'),
      cellMachine('cell-4', 'nobody'),
    ];
    const count = adopt(book, machines, [ran('run', 'cell-1'), waits('boot', 'cell-2'), waits('moved', 'cell-9')]);
    expect(count).toBe(2);
    expect([...book.cells()].map(({ cellId, phase }) => [cellId, phase])).toEqual([
      ['cell-1', 'running'],
      ['cell-2', 'booting'],
    ]);
    expect([...book.podUids('cell-1')]).toEqual(['run']);
    expect([...book.podUids('cell-2')]).toEqual([]);
  });

  test('a launch that died half-way is asked for again, and a running pod whose machine is not listed yet is kept', () => {
    const book = new Book(systemClock);
    adopt(
      book,
      [cellMachine('cell-1', 'half', 'launching')],
      [waits('half', 'cell-1'), ran('lagging', 'cell-2'), ran('done', 'cell-3', { finished: true })],
    );
    expect([...book.cells()].map(({ cellId, phase }) => [cellId, phase])).toEqual([
      ['cell-1', 'requested'],
      ['cell-2', 'running'],
    ]);
  });

  test('a pod has the machine that was given to it and written so, though it was not told any more: one, and no other’s', () => {
    const pool = { name: 'web', uid: 'pool-web' };
    const ofPool = (cellId: string, podUid: string, state?: CellMachine['state']) => {
      const machine = cellMachine(cellId, podUid, state);
      return { ...machine, tags: { ...machine.tags, pool } };
    };
    const untold = (uid: string, more: Partial<Binding> = {}): Binding => {
      const { cellId: _, ...rest } = waits(uid, '', more);
      return rest;
    };
    const machines = [
      ofPool('cell-0', 'p', 'ending'),
      ofPool('cell-1', 'p'),
      ofPool('cell-2', 'p'),
      ofPool('cell-3', 'finished'),
      ofPool('cell-4', 'elsewhere'),
      cellMachine('cell-5', 'launched'),
    ];
    const bindings = [
      untold('p'),
      untold('finished', { finished: true }),
      waits('elsewhere', 'cell-9'),
      untold('launched'),
    ];
    expect(adopted(machines, bindings)).toEqual({ 'cell-1': ['p'] });
  });

  test('which agents a cell has is not known at first, where there are any', () => {
    const known = (...agents: readonly Binding[]) => {
      const book = new Book(systemClock);
      adopt(book, [cellMachine('cell-1', 'run')], [ran('run', 'cell-1'), ...agents]);
      return book.knowsAgents('cell-1');
    };
    const { cellId: _, ...agent } = waits('agent', '', { injected: true });
    expect(known()).toBe(true);
    expect(known(agent)).toBe(false);
  });

  test('a pod that names another pod’s machine does not get it', () => {
    const book = new Book(systemClock);
    adopt(book, [cellMachine('cell-1', 'victim')], [waits('forger', 'cell-1'), ran('victim', 'cell-1')]);
    expect([...book.podUids('cell-1')]).toEqual(['victim']);
    expect(() => book.add({ cellId: 'cell-1', podUid: 'forger', pod: 'ns/forger' }, 'requested')).toThrow(
      'is the cell of pod',
    );
  });

  test('a machine that ended while nobody watched is known as lost', () => {
    const book = new Book(systemClock);
    adopt(book, [cellMachine('cell-1', 'run', 'ended')], [ran('run', 'cell-1')]);
    expect(book.get('cell-1')?.phase).toBe('lost');
  });
});

describe('adoption of cells that pods share', () => {
  const seeks = { seeksCompany: true };

  test('finds every pod again that ran there, also when the one that it was launched for is gone', () => {
    const bindings = [ran('a', 'cell-1'), ran('b', 'cell-1', seeks), ran('c', 'cell-1', seeks)];
    expect(adopted([cellMachine('cell-1', 'a')], bindings)).toEqual({ 'cell-1': ['a', 'b', 'c'] });
    expect(adopted([cellMachine('cell-1', 'a')], bindings.slice(1))).toEqual({ 'cell-1': ['b', 'c'] });
    expect(adopted([], bindings)).toEqual({ 'cell-1': ['a', 'b', 'c'] });
  });

  test.each([
    ['has not run there', waits('x', 'cell-1', seeks)],
    ['requires nobody on its host', ran('x', 'cell-1')],
    ['is of another namespace', ran('x', 'cell-1', { ...seeks, pod: 'other/x' })],
  ])('gives nothing to a pod that names it and %s', (_, pod) => {
    expect(adopted([cellMachine('cell-1', 'a')], [pod, ran('a', 'cell-1')])).toEqual({ 'cell-1': ['a'] });
    expect(adopted([], [pod, ran('a', 'cell-1')])['cell-1']?.length).toBe(1);
  });

  test('a pod that has not run yet is not the reason for a machine that was launched for another', () => {
    expect(adopted([cellMachine('cell-1', 'gone')], [waits('b', 'cell-1', seeks)])).toEqual({});
  });

  test('the node cell has all again that ran there, of any namespace, and is kept for a while when none did', () => {
    const node = cellMachine('cell-1', 'gone', 'running', { purpose: NODE_CELL });
    expect(adopted([node], [ran('a', 'cell-1'), ran('b', 'cell-1', { pod: 'other/b' })])).toEqual({
      'cell-1': ['a', 'b'],
    });
    expect(adopted([node], [waits('a', 'cell-1')])).toEqual({ 'cell-1': [] });
    expect(adopted([cellMachine('cell-1', 'gone', 'ended', { purpose: NODE_CELL })], [])).toEqual({});
  });

  test('pods of the node cell keep it while the list lacks it', () => {
    const asks = { mayNeedNodeCell: true };
    const bindings = [ran('a', 'cell-1', asks), ran('b', 'cell-1', { ...asks, pod: 'other/b' }), ran('x', 'cell-1')];
    const book = new Book(systemClock);
    adopt(book, [], bindings.slice(0, 2));
    expect([...book.cells()].map(({ purpose, members }) => [purpose, members.size])).toEqual([[NODE_CELL, 2]]);
  });
});
