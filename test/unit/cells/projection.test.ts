import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { Book } from '../../../src/cells/book.ts';
import { cellObject, startProjection } from '../../../src/cells/projection.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { KubeClient, KubeRequest } from '../../../src/kube/client.ts';
import { Collection } from '../../../src/kube/collection.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';

/** A projection of a book, with what it writes: the phase of each write, by cell. */
function projection() {
  const ended = new AbortController();
  const book = new Book(systemClock);
  const written = new Map<string, string[]>();
  const client: KubeClient = {
    async request({ path, body }: KubeRequest) {
      const cellId = path.split('/').at(-1) ?? '';
      const phase = (body as { status: { phase: string } }).status.phase;
      written.set(cellId, [...(written.get(cellId) ?? []), phase]);
      return { status: 200, contentType: 'application/json', body: Buffer.from('{}') };
    },
    stream: () => Promise.reject(new Error('not used')),
    as: () => client,
    close: async () => undefined,
  };
  const objects = new Collection<KubeObject>();
  const logger = pino({ level: 'silent' });
  const labels = { 'nodeless.io/virtual-node': 'n' };
  const options = { client, book, objects, labels, clock: systemClock, logger, onDeleted: () => undefined };
  startProjection(options, ended.signal);
  return { book, written, ended };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the pods of a Cell object', () => {
  const members = (count: number) => Array.from({ length: count }, (_, i) => ({ uid: `u-${i}`, pod: `ns/p-${i}` }));
  test.each([
    ['names its pod', undefined, 1, 'ns/p-0'],
    ['counts the others', undefined, 3, 'ns/p-0 and 2 more'],
    ['says whose it was', undefined, 0, 'none (ns/p-0)'],
    ['says that it is the node cell', 'node-cell' as const, 1, 'ns/p-0 (node cell)'],
    ['says so of many', 'node-cell' as const, 2, 'ns/p-0 and 1 more (node cell)'],
    ['says so of none', 'node-cell' as const, 0, 'none (node cell)'],
  ])('%s', (_, purpose, count, told) => {
    const identity = { cellId: 'cell-a', podUid: 'u-0', pod: 'ns/p-0', ...(purpose === undefined ? {} : { purpose }) };
    const cell = new Book(systemClock).add(identity, 'running', members(count));
    expect(cellObject(cell, {}).status).toMatchObject({ pod: told });
  });
});

describe('Cell objects', () => {
  it('show one cell’s changes of a moment by one write, in the last state', async () => {
    const { book, written } = projection();
    const cell = book.add({ cellId: 'cell-a', podUid: 'u', pod: 'default/p' }, 'requested');
    book.enter(cell, 'launching');
    book.enter(cell, 'booting');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(written.get('cell-a')).toEqual(['booting']);
    book.enter(cell, 'ready');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(written.get('cell-a')).toEqual(['booting', 'ready']);
  });

  it('of a burst take no more than 50 writes a second, and a cell that waits for its turn is written once, as it is then', async () => {
    const { book, written } = projection();
    const cells = Array.from({ length: 500 }, (_, i) =>
      book.add({ cellId: `cell-${i}`, podUid: `u-${i}`, pod: `default/p-${i}` }, 'requested'),
    );
    await vi.advanceTimersByTimeAsync(1_000);
    expect(written.size).toBe(100);
    for (const phase of ['launching', 'booting', 'ready'] as const) {
      for (const cell of cells) book.enter(cell, phase);
      await vi.advanceTimersByTimeAsync(300);
    }
    await vi.advanceTimersByTimeAsync(30_000);
    expect([...written.values()].every((phases) => phases.at(-1) === 'ready')).toBe(true);
    expect(written.get('cell-499')).toEqual(['ready']);
    expect([...written.values()].flat()).toHaveLength(600);
  });

  it('hold nobody up once their signal has aborted: nothing more is written, and no timer is left', async () => {
    const { book, written, ended } = projection();
    for (let i = 0; i < 500; i += 1) {
      book.add({ cellId: `cell-${i}`, podUid: `u-${i}`, pod: `default/p-${i}` }, 'requested');
    }
    await vi.advanceTimersByTimeAsync(1_000);
    ended.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(written.size).toBe(100);
  });
});
