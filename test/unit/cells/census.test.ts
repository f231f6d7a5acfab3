import { pino } from 'pino';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { CellProvider } from '../../../providers/contract.ts';
import { Book } from '../../../src/cells/book.ts';
import { Census } from '../../../src/cells/census.ts';
import { Fleet } from '../../../src/cells/fleet.ts';
import { judgeSilence } from '../../../src/cells/health.ts';
import type { CellMachine, CellTags } from '../../../src/core/cell.ts';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import { cellMachine } from '../../support/cell-machine.ts';

const logger = pino({ level: 'silent' });
const signal = new AbortController().signal;

/** A cloud of which the test decides what it lists. */
function cloud() {
  const machines = new Map<string, CellMachine>();
  const terminate = vi.fn(async (cellId: string) => void machines.delete(cellId));
  const list = vi.fn(async () => [...machines.values()]);
  return { machines, terminate, list, provider: { name: 'test', list, terminate } as unknown as CellProvider };
}

describe('the census', () => {
  let nowMs = 0;
  const clock: Clock = { now: () => nowMs, sleep: systemClock.sleep };
  const gone = vi.fn();
  const orphan = vi.fn();
  const reason = vi.fn(async (_: readonly CellTags[]): Promise<ReadonlySet<string>> => new Set());

  beforeEach(() => {
    nowMs = 1_000_000;
    gone.mockReset();
    orphan.mockReset();
    reason.mockReset();
    reason.mockResolvedValue(new Set());
  });

  function set() {
    const world = cloud();
    const book = new Book(clock);
    const bootstrap = { cellApiUrl: '', caPem: '', nodeName: 'n', clusterDns: '', clusterDomain: '' };
    const fleet = new Fleet({
      provider: world.provider,
      book,
      clusterUid: 'c',
      bootstrap,
      clock,
      logger,
      concurrency: 4,
      mayAct: () => true,
    });
    fleet.start(signal);
    const options = {
      intervalMs: 1_000,
      orphanAfterMs: 60_000,
      withReason: reason,
      mayAct: () => true,
      onGone: gone,
      onOrphan: orphan,
    };
    const census = new Census({ provider: world.provider, book, fleet, clock, logger, ...options });
    return { ...world, book, fleet, census };
  }

  test('ends a machine that no pod needs, but only after the grace', async () => {
    const { machines, census, terminate } = set();
    machines.set('cell-a', cellMachine('cell-a', 'pod-a'));
    await census.tick(signal);
    nowMs += 59_000;
    await census.tick(signal);
    expect(terminate).not.toHaveBeenCalled();
    expect(orphan).not.toHaveBeenCalled();
    nowMs += 1_000;
    await census.tick(signal);
    await vi.waitFor(() => expect(machines.size).toBe(0));
    expect(orphan).toHaveBeenCalledTimes(1);
  });

  test('asks once for all machines that may have no reason, and ends none while that is not answered', async () => {
    const { machines, census, terminate } = set();
    for (const id of ['cell-a', 'cell-b', 'cell-c']) machines.set(id, cellMachine(id, id));
    await census.tick(signal);
    nowMs += 60_000;
    reason.mockRejectedValueOnce(new Error('no answer'));
    await census.tick(signal);
    expect(terminate).not.toHaveBeenCalled();
    reason.mockResolvedValue(new Set(['cell-b']));
    await census.tick(signal);
    await vi.waitFor(() => expect([...machines.keys()]).toEqual(['cell-b']));
    expect(reason.mock.calls.map(([asked]) => asked.length)).toEqual([3, 3]);
  });

  test('tells the book of addresses that a machine has got since its launch, and of nothing that it knows', async () => {
    const { machines, book, census } = set();
    const launched = { ...cellMachine('cell-a', 'pod-a'), addresses: [] };
    const cell = book.add({ cellId: 'cell-a', podUid: 'pod-a', pod: 'default/a' }, 'booting');
    book.seen(cell, launched);
    machines.set('cell-a', { ...launched, addresses: ['10.0.0.7'] });
    const changed = vi.fn();
    book.onChange(changed);
    await census.tick(signal);
    machines.set('cell-a', { ...launched, addresses: ['10.0.0.7'] });
    await census.tick(signal);
    expect(cell.machine?.addresses).toEqual(['10.0.0.7']);
    expect(changed).toHaveBeenCalledTimes(1);
  });

  test('spares a machine that the API server says a pod still names', async () => {
    const { machines, census, terminate } = set();
    reason.mockResolvedValue(new Set(['cell-a']));
    machines.set('cell-a', cellMachine('cell-a', 'pod-a'));
    for (let tick = 0; tick < 5; tick += 1) {
      nowMs += 60_000;
      await census.tick(signal);
    }
    expect(terminate).not.toHaveBeenCalled();
  });

  test('tells at once of a machine that the cloud says has ended', async () => {
    const { book, machines, census } = set();
    for (const id of ['ended', 'fine']) {
      book.seen(book.add({ cellId: id, podUid: id, pod: `ns/${id}` }, 'running'), cellMachine(id, id));
    }
    const end = { reason: 'no capacity after all', endCause: { code: 'InsufficientCapacity' as const } };
    machines.set('ended', { ...cellMachine('ended', 'ended', 'ended'), ...end });
    machines.set('fine', cellMachine('fine', 'fine'));
    await census.tick(signal);
    expect(gone.mock.calls).toEqual([[book.get('ended'), end.reason, end.endCause]]);
  });

  test('a running cell that one list lacks is not lost; one that is missing for long is', async () => {
    const { book, machines, census } = set();
    book.seen(book.add({ cellId: 'a', podUid: 'a', pod: 'ns/a' }, 'running'), cellMachine('a', 'a'));
    await census.tick(signal);
    nowMs += 30_000;
    machines.set('a', cellMachine('a', 'a'));
    await census.tick(signal);
    nowMs += 59_000;
    machines.clear();
    await census.tick(signal);
    nowMs += 59_000;
    await census.tick(signal);
    expect(gone).not.toHaveBeenCalled();
    nowMs += 1_000;
    await census.tick(signal);
    expect(gone.mock.calls.map(([cell]) => cell.cellId)).toEqual(['a']);
  });

  test('a cell whose launch the cloud has not accepted yet is not missed', async () => {
    const { book, census } = set();
    book.add({ cellId: 'fresh', podUid: 'fresh', pod: 'ns/fresh' }, 'launching');
    await census.tick(signal);
    nowMs += 600_000;
    await census.tick(signal);
    expect(gone).not.toHaveBeenCalled();
  });

  test('concludes nothing from a cloud that can not be listed', async () => {
    const { book, census, list } = set();
    book.seen(book.add({ cellId: 'a', podUid: 'a', pod: 'ns/a' }, 'running'), cellMachine('a', 'a'));
    list.mockRejectedValue(new Error('throttled'));
    await census.tick(signal);
    expect(gone).not.toHaveBeenCalled();
  });
});

describe('silence', () => {
  function cells(seenMs: readonly number[]) {
    const book = new Book(systemClock);
    seenMs.forEach((lastSeenMs, index) => {
      book.add({ cellId: `c${index}`, podUid: `p${index}`, pod: 'ns/p' }, 'running').lastSeenMs = lastSeenMs;
    });
    return [...book.cells()];
  }
  const rule = { nowMs: 100_000, leadingSinceMs: 0, silentAfterMs: 40_000 };

  test('a cell that is silent for too long is named', () => {
    expect(judgeSilence(cells([1, 99_000, 99_000, 99_000]), rule).dead.map(({ cellId }) => cellId)).toEqual(['c0']);
  });

  test('silence before the leadership does not count', () => {
    expect(judgeSilence(cells([1]), { ...rule, leadingSinceMs: 70_000 })).toEqual({ dead: [], unexplained: 0 });
  });

  test('when more than a third fall silent together nobody is named', () => {
    expect(judgeSilence(cells([1]), rule)).toEqual({ dead: [], unexplained: 1 });
    expect(judgeSilence(cells([1, 1, 99_000, 99_000]), rule)).toEqual({ dead: [], unexplained: 2 });
    expect(judgeSilence(cells([1, 1, 99_000, 99_000, 99_000, 99_000]), rule).dead).toHaveLength(2);
  });
});
