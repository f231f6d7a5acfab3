import { describe, expect, it } from 'vitest';
import { columns } from '../../../src/cli/columns.ts';
import { CellLog } from '../../../src/cli/demo/cell-log.ts';
import { cellRows, transitionLine } from '../../../src/cli/demo/cell-table.ts';
import type { CellPhase } from '../../../src/core/cell.ts';

const TIME = '2026-01-01T00:00:00Z';

function change(name: string, phases: readonly CellPhase[], type: 'ADDED' | 'MODIFIED' | 'DELETED' = 'MODIFIED') {
  const status = {
    phase: phases.at(-1),
    pod: `default/pod-of-${name}`,
    phases: Object.fromEntries(phases.map((phase) => [phase, TIME])),
  };
  return { type, object: { metadata: { name }, status } } as const;
}

describe('the log of cells', () => {
  it('tells every phase once and in order, those that passed between two looks included', () => {
    const log = new CellLog();
    const seen = [
      log.take(change('a', ['requested'], 'ADDED'), 0),
      log.take(change('a', ['requested', 'launching', 'booting', 'ready']), 100),
      log.take(change('a', ['requested', 'launching', 'booting', 'ready']), 200),
      log.take(change('a', ['requested', 'launching', 'booting', 'ready', 'running']), 300),
      log.take(change('a', ['requested', 'launching', 'booting', 'ready', 'running', 'ending'], 'DELETED'), 400),
    ];
    expect(seen.map((transition) => transition?.entered)).toEqual([
      ['requested'],
      ['launching', 'booting', 'ready'],
      undefined,
      ['running'],
      ['ending', 'ended'],
    ]);
    expect(seen.at(-1)?.cell).toMatchObject({ pod: 'pod-of-a', phase: 'ended', seenMs: 0, changedMs: 400 });
  });

  it('counts cells that had a machine, and the most at one time', () => {
    const log = new CellLog();
    log.take(change('a', ['requested', 'launching']), 0);
    log.take(change('b', ['requested', 'launching', 'booting']), 1);
    log.take(change('refused', ['requested']), 2);
    log.take(change('a', ['requested', 'launching'], 'DELETED'), 3);
    log.take(change('c', ['running']), 4);
    expect([log.launched, log.mostAtOnce, log.alive().map(({ id }) => id)]).toEqual([3, 2, ['b', 'c']]);
  });
});

describe('the table of cells', () => {
  it('has a row per cell, with the age of an ended one as it was at its end', () => {
    const log = new CellLog();
    log.take(change('a', ['running']), 1_000);
    log.take(change('b', ['booting']), 1_000);
    log.take(change('a', ['running'], 'DELETED'), 2_500);
    expect(cellRows(log.all(), new Set(['pod-of-b']), 5_000)).toEqual([
      'CELL  POD       PHASE    POD IS  AGE',
      'a     pod-of-a  ended    -       1.5s',
      'b     pod-of-b  booting  Ready   4.0s',
    ]);
  });

  it('says that there are none', () => {
    expect(cellRows([], new Set(), 0)).toEqual(['no cells']);
  });

  it('aligns columns and leaves no space at the end', () => {
    expect(columns([['a', 'bb'], ['ccc', 'd'], ['e']])).toEqual(['a    bb', 'ccc  d', 'e']);
  });

  it('has a line per transition for logs', () => {
    const transition = new CellLog().take(change('a', ['launching', 'booting']), 0);
    if (transition === undefined) throw new Error('no transition');
    expect(transitionLine(transition, 2_140)).toBe('+2.1s   a  pod-of-a  launching → booting');
  });
});
