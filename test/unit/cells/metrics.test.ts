import { Registry } from 'prom-client';
import { beforeEach, describe, expect, test } from 'vitest';
import { Book } from '../../../src/cells/book.ts';
import type { Cell } from '../../../src/cells/cell.ts';
import { observeCells, orphanCounter } from '../../../src/cells/metrics.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { cellMachine } from '../../support/cell-machine.ts';
import { samplesOf } from '../../support/samples.ts';

describe('the series of cells', () => {
  let nowMs = 0;
  let book: Book;
  let registry: Registry;
  let end: () => void;

  beforeEach(() => {
    nowMs = 1_000_000;
    const clock = { now: () => nowMs, sleep: systemClock.sleep };
    book = new Book(clock);
    registry = new Registry();
    end = observeCells({ book, registry, clock });
  });

  const samples = (name: string) => samplesOf(registry, name);

  /** A cell at one dollar an hour that has come as far as `running`, a second in each phase. */
  function run(cellId: string): Cell {
    const cell = book.add({ cellId, podUid: cellId, pod: `shop/${cellId}` }, 'requested');
    for (const phase of ['launching', 'booting', 'ready', 'running'] as const) {
      nowMs += 1_000;
      if (phase === 'booting') book.seen(cell, cellMachine(cellId, cellId));
      book.enter(cell, phase);
    }
    return cell;
  }

  test('say how many there are, by phase and machine', async () => {
    run('a');
    book.add({ cellId: 'b', podUid: 'b', pod: 'shop/b' }, 'requested');
    expect(await samples('nodeless_cells')).toEqual({
      'instance_type=t,launch_type=simulated,phase=running,zone=z': 1,
      'instance_type=,launch_type=,phase=requested,zone=': 1,
    });
  });

  test('a cell that is gone is in no phase, and counted once by how it ended', async () => {
    const [ended, lost, unborn] = [
      run('a'),
      run('b'),
      book.add({ cellId: 'c', podUid: 'c', pod: 'shop/c' }, 'requested'),
    ];
    book.enter(ended, 'ending');
    book.enter(ended, 'ended');
    book.enter(lost, 'lost');
    for (const cell of [ended, lost, unborn]) book.remove(cell);
    expect(await samples('nodeless_cells')).toEqual({});
    expect(await samples('nodeless_cells_ended_total')).toEqual({
      'launch_type=simulated,outcome=ended': 1,
      'launch_type=simulated,outcome=lost': 1,
    });
  });

  test('each stage of a start is measured once', async () => {
    run('a');
    const stages = await samples('nodeless_cell_start_stage_seconds_sum');
    // What is queued has no machine yet.
    expect(stages).toEqual({
      'kind=cold,launch_type=simulated,stage=launch': 1,
      'kind=cold,launch_type=simulated,stage=boot': 1,
      'kind=cold,launch_type=simulated,stage=deliver': 1,
      'kind=cold,launch_type=,stage=queue': 1,
    });
  });

  test('a cell that was made for a pool is told apart', async () => {
    const pool = { name: 'web', uid: 'pool' };
    const cell = book.add({ cellId: 'a', podUid: '', pod: '', pool }, 'requested', []);
    book.enter(cell, 'launching');
    expect(Object.keys(await samples('nodeless_cell_start_stage_seconds_sum'))).toEqual([
      'kind=warm,launch_type=,stage=queue',
    ]);
  });

  test('an orphan has cost its price from its launch to its end', async () => {
    const count = orphanCounter(registry, { now: () => nowMs, sleep: systemClock.sleep });
    count({ ...cellMachine('a', 'a'), createdAtMs: nowMs - 1_800_000 });
    count({ ...cellMachine('b', 'b'), createdAtMs: nowMs + 60_000 });
    expect(await samples('nodeless_orphan_cells_ended_total')).toEqual({ '': 2 });
    expect(await samples('nodeless_orphan_cells_cost_dollars_total')).toEqual({ '': 0.5 });
  });

  test('the price of an offering is there as long as a cell of it', async () => {
    const cell = run('a');
    const offering = 'instance_type=t,launch_type=simulated,zone=z';
    expect(await samples('nodeless_offering_price_dollars_per_hour')).toEqual({ [offering]: 1 });
    book.enter(cell, 'lost');
    book.remove(cell);
    expect(await samples('nodeless_offering_price_dollars_per_hour')).toEqual({});
  });

  test('a start that fails leaves no stage behind that it did not finish', async () => {
    const cell = book.add({ cellId: 'a', podUid: 'a', pod: 'shop/a' }, 'requested');
    book.enter(cell, 'launching');
    book.enter(cell, 'lost');
    expect(Object.keys(await samples('nodeless_cell_start_stage_seconds_sum'))).toEqual([
      'kind=cold,launch_type=,stage=queue',
    ]);
  });

  test('a machine costs its price for as long as it is there, by what it did', async () => {
    const cell = run('a');
    nowMs += 3_600_000;
    book.enter(cell, 'ending');
    nowMs += 36_000;
    book.enter(cell, 'ended');
    book.remove(cell);
    nowMs += 60_000;
    const cost = await samples('nodeless_cell_cost_dollars_total');
    // From the launch that the cloud accepted to the hand-over it booted for 2 s.
    expect(cost['launch_type=simulated,namespace=shop,use=start']).toBeCloseTo(2 / 3_600, 9);
    expect(cost['launch_type=simulated,namespace=shop,use=run']).toBeCloseTo(1, 9);
    expect(cost['launch_type=simulated,namespace=shop,use=end']).toBeCloseTo(0.01, 9);
    expect(await samples('nodeless_cells_price_dollars_per_hour')).toEqual({});
  });

  test('reading them pays up to that moment, and neither more nor twice', async () => {
    run('a');
    nowMs += 1_800_000;
    expect(await samples('nodeless_cells_price_dollars_per_hour')).toEqual({
      'launch_type=simulated,namespace=shop,use=run': 1,
    });
    const paid = (await samples('nodeless_cell_cost_dollars_total'))['launch_type=simulated,namespace=shop,use=run'];
    expect(paid).toBeCloseTo(0.5, 9);
  });

  test('each cell is named only where that is asked for', async () => {
    run('a');
    expect(await samples('nodeless_cell_price_dollars_per_hour')).toEqual({});
    const named = new Registry();
    observeCells({ book, registry: named, clock: systemClock, perCell: true });
    expect(await samplesOf(named, 'nodeless_cell_price_dollars_per_hour')).toEqual({
      'cell=a,instance_type=t,launch_type=simulated,namespace=shop,phase=running,pod=a,zone=z': 1,
    });
  });

  test('a namespace that has had no cell for an hour has no series any more', async () => {
    const cell = run('a');
    nowMs += 1_000;
    book.enter(cell, 'ended');
    book.remove(cell);
    nowMs += 3_599_000;
    expect(Object.keys(await samples('nodeless_cell_cost_dollars_total'))).toHaveLength(2);
    nowMs += 2_000;
    expect(await samples('nodeless_cell_cost_dollars_total')).toEqual({});
  });

  test('a clock that is set back takes nothing away', async () => {
    run('a');
    nowMs -= 3_600_000;
    await registry.metrics();
    expect(await samples('nodeless_cell_cost_dollars_total')).not.toHaveProperty(
      'launch_type=simulated,namespace=shop,use=run',
    );
  });

  test('what was there before it was observed counts from then on, and nothing once that has ended', async () => {
    end();
    const cell = run('a');
    nowMs += 3_600_000;
    const later = new Registry();
    const stop = observeCells({ book, registry: later, clock: { now: () => nowMs, sleep: systemClock.sleep } });
    nowMs += 3_600_000;
    const label = 'launch_type=simulated,namespace=shop,use=run';
    expect((await samplesOf(later, 'nodeless_cell_cost_dollars_total'))[label]).toBeCloseTo(1, 9);
    stop();
    book.enter(cell, 'ending');
    expect(await samplesOf(later, 'nodeless_cells_ended_total')).toEqual({});
  });
});
