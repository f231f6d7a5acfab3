import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import type { CellRow } from '../../../src/ui/cell-row.ts';
import { Feed, type FeedSource } from '../../../src/ui/feed.ts';
import { manualClock } from '../../support/manual-clock.ts';

/** A source of as many cells as a test sets, which counts how often it is read. */
function source() {
  const cells = new Map<string, string>();
  const reads = { overviews: 0, cells: 0, fail: false };
  let changed: ((cellId?: string) => void) | undefined;
  const it: FeedSource = {
    overview() {
      reads.overviews += 1;
      if (reads.fail) throw new Error('what nobody thought of');
      const section = { id: 'nodes', title: 'Nodes', columns: [], rows: [], empty: '', left: 0 };
      return { node: 'n', version: '1', cells: cells.size, pricePerHourUsd: 0, sections: [section] };
    },
    cellIds: () => cells.keys(),
    cell(cellId) {
      reads.cells += 1;
      const phase = cells.get(cellId);
      return phase === undefined ? undefined : ({ id: cellId, phase } as CellRow);
    },
    watch(listener) {
      changed = listener;
      return () => {
        changed = undefined;
      };
    },
  };
  function set(cellId: string, phase?: string): void {
    if (phase === undefined) cells.delete(cellId);
    else cells.set(cellId, phase);
    changed?.(cellId);
  }
  return { it, cells, reads, set, isWatched: () => changed !== undefined, touch: () => changed?.() };
}

interface Told {
  readonly cells: readonly { readonly id: string; readonly phase: string }[];
  readonly gone?: readonly string[];
  readonly parts: Readonly<Record<string, unknown>>;
}

/** The name and the data of an event as it goes over the wire. */
function parse(event: Buffer): { readonly name: string; readonly told: Told } {
  const [, name = '', data = ''] = /^event: (\w+)\ndata: (.+)\n\n$/.exec(event.toString()) ?? [];
  return { name, told: JSON.parse(data) };
}

function feedOf() {
  const from = source();
  const clock = manualClock();
  const feed = new Feed({ source: from.it, clock, logger: pino({ level: 'silent' }) });
  const events: Buffer[] = [];
  const join = () => feed.join({ changed: (event) => events.push(event) });
  return { ...from, clock, feed, events, join };
}

describe('the page’s state', () => {
  test('is whole for who comes, and then changes alone', async () => {
    const { feed, events, join, set, clock } = feedOf();
    set('a', 'booting');
    set('b', 'running');
    join();
    const { name, told } = parse(feed.snapshot());
    expect([name, told.cells.map(({ id }) => id), Object.keys(told.parts)]).toEqual([
      'snapshot',
      ['a', 'b'],
      ['nodes', 'overview'],
    ]);
    set('a', 'ready');
    set('b');
    await clock.pass(1_000);
    expect(events.map(parse)).toEqual([
      {
        name: 'change',
        told: expect.objectContaining({ cells: [{ id: 'a', phase: 'ready' }], gone: ['b'] }),
      },
    ]);
    expect(Object.keys(parse(events[0] as Buffer).told.parts)).toEqual(['overview']);
    expect(parse(feed.snapshot()).told.cells).toEqual([{ id: 'a', phase: 'ready' }]);
  });

  test('is told at most once a second, however much changes, and a cell once for each event', async () => {
    const { events, join, set, clock, reads } = feedOf();
    join();
    const before = reads.cells;
    for (let step = 0; step < 100; step += 1) {
      set('a', `phase-${step}`);
      await clock.pass(50);
    }
    await clock.pass(1_000);
    expect(events.length).toBeGreaterThanOrEqual(5);
    expect(events.length).toBeLessThanOrEqual(7);
    expect(reads.cells - before).toBe(events.length);
    expect(parse(events.at(-1) as Buffer).told.cells).toEqual([{ id: 'a', phase: 'phase-99' }]);
  });

  test('is not told when nothing of it has changed', async () => {
    const { events, join, set, touch, clock } = feedOf();
    set('a', 'running');
    join();
    set('a', 'running');
    touch();
    await clock.pass(5_000);
    expect(events).toEqual([]);
  });

  test('that can not be read now ends nothing, and is told of when it can', async () => {
    const { events, join, set, clock, reads } = feedOf();
    join();
    reads.fail = true;
    set('a', 'booting');
    await clock.pass(5_000);
    expect(events).toEqual([]);
    reads.fail = false;
    set('b', 'booting');
    await clock.pass(5_000);
    expect(events.flatMap((event) => parse(event).told.cells.map(({ id }) => id))).toEqual(['a', 'b']);
  });

  test('that can not be read when the first one comes is not watched for nobody', () => {
    const { feed, join, isWatched, reads } = feedOf();
    reads.fail = true;
    expect(join).toThrow('what nobody thought of');
    expect([feed.viewers, isWatched()]).toEqual([0, false]);
  });

  test('is the same bytes for all, encoded once', async () => {
    const { feed, set, clock, reads } = feedOf();
    const got: Buffer[] = [];
    for (let viewer = 0; viewer < 30; viewer += 1) feed.join({ changed: (event) => got.push(event) });
    expect(feed.snapshot()).toBe(feed.snapshot());
    const { overviews, cells } = { ...reads };
    set('a', 'booting');
    await clock.pass(1_000);
    expect([got.length, new Set(got).size]).toEqual([30, 1]);
    expect([reads.overviews - overviews, reads.cells - cells]).toEqual([1, 1]);
  });

  test('of a cell that came and went between two events is never told', async () => {
    const { events, join, set, clock } = feedOf();
    join();
    set('a', 'booting');
    set('a');
    await clock.pass(1_000);
    expect(events).toEqual([]);
  });

  test('is neither watched nor kept while nobody looks, and whole again for the next', async () => {
    const { feed, join, set, isWatched, reads, clock, events } = feedOf();
    expect(isWatched()).toBe(false);
    const leave = join();
    set('a', 'booting');
    expect(isWatched()).toBe(true);
    leave();
    const before = { ...reads };
    set('a', 'ready');
    await clock.pass(5_000);
    expect([isWatched(), reads, events]).toEqual([false, before, []]);
    join();
    expect(parse(feed.snapshot()).told.cells).toEqual([{ id: 'a', phase: 'ready' }]);
  });
});
