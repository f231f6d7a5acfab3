import { pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { systemClock as clock } from '../../../src/core/clock.ts';
import { CELL_ANNOTATION } from '../../../src/core/names.ts';
import { Notices } from '../../../src/interruption/notices.ts';
import { offering, world } from '../pods/world.ts';

const logger = pino({ level: 'silent' });
const OWNER = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs', controller: true };
const soon = (check: () => void) => vi.waitFor(check, 15_000);
const stops: AbortController[] = [];

afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

/** A pod that runs on a cell, and whoever heeds notices. */
async function rig({ owned = true, remains = undefined as Parameters<typeof world>[1] } = {}) {
  const one = world([offering('small', 1), offering('other', 2)], remains);
  stops.push(one.stop);
  let leads = true;
  const changed = vi.fn();
  const { book, fleet, placement, nodePods, reserves, writer, events, stop } = one;
  const parts = { book, fleet, placement, reserves, writer, events, clock, logger };
  const notices = new Notices({ ...parts, pods: nodePods, onChanged: changed, mayAct: () => leads });
  const metadata = owned ? { ownerReferences: [OWNER] } : {};
  const create = (name: string) =>
    one.pods.create(name, { metadata: { name, namespace: 'ns', uid: `uid-${name}`, ...metadata } });
  if (remains === undefined) create('old');
  one.start();
  reserves.start(stop.signal);
  void notices.run(stop.signal);
  const cellOf = (name: string) => one.pods.get(name)?.metadata.annotations?.[CELL_ANNOTATION] ?? '';
  const runs = async (name: string) => {
    await soon(() => expect(book.ofPod(`uid-${name}`)?.phase).toBe('booting'));
    const { cellId = '' } = book.ofPod(`uid-${name}`) ?? {};
    one.report(cellId);
    await soon(() => expect(book.ofPod(`uid-${name}`)?.phase).toBe('running'));
    return cellId;
  };
  const cellId = remains === undefined ? await runs('old') : '';
  const warn = (endsInMs?: number) =>
    notices.take({
      cellId,
      kind: 'ends',
      ...(endsInMs === undefined ? {} : { endsAtMs: clock.now() + endsInMs }),
      reason: 'taken back',
    });
  const kept = () => [...book.cells()].filter((cell) => cell.pool !== undefined && cell.podUid === '');
  const told = () => one.pods.events.map(({ reason }) => reason);
  return {
    ...one,
    notices,
    changed,
    create,
    cellOf,
    runs,
    cellId,
    warn,
    kept,
    told,
    follow: () => {
      leads = false;
    },
  };
}

type Rig = Awaited<ReturnType<typeof rig>>;

async function reserveReady(one: Rig): Promise<string> {
  await soon(() => expect(one.kept().map(({ phase }) => phase)).toEqual(['booting']));
  const [{ cellId = '' } = {}] = one.kept();
  one.report(cellId);
  return cellId;
}

describe('a pod whose machine is about to end', () => {
  test('is evicted when a cell for its successor is Ready and not before, and that one gets it', async () => {
    const one = await rig();
    expect(one.warn(120_000)).toBe(false);
    await soon(() => expect(one.kept()).toHaveLength(1));
    expect(one.pods.evicted).toEqual([]);
    const reserve = await reserveReady(one);
    await soon(() => expect(one.pods.evicted).toEqual(['old']));
    one.create('new');
    await soon(() => expect(one.cellOf('new')).toBe(reserve));
    await soon(() => expect(one.book.get(reserve)?.phase).toBe('running'));
    expect(one.machines.get(reserve)?.tags).toMatchObject({ podUid: 'uid-new' });
    await soon(() => expect(one.machines.has(one.cellId)).toBe(false));
    expect(one.told()).toContain('CellInterrupted');
    expect(one.launch).toHaveBeenCalledTimes(2);
  });

  test('that its disruption budget keeps is asked for again, and ends all the same shortly before its machine', async () => {
    const one = await rig();
    one.pods.isBudgetSpent = () => true;
    one.warn(25_000);
    await reserveReady(one);
    await soon(() => expect(one.pods.evicted.length).toBeGreaterThan(1));
    expect(one.pods.get('old')).toBeDefined();
    await soon(() => expect(one.pods.get('old')).toBeUndefined());
  });

  test('and that nobody would make again goes on for as long as it can', async () => {
    const one = await rig({ owned: false });
    one.warn(22_000);
    await soon(() => expect(one.told()).toContain('CellInterrupted'));
    expect(one.pods.get('old')).toBeDefined();
    await soon(() => expect(one.pods.get('old')).toBeUndefined());
    expect(one.pods.evicted).toEqual([]);
    expect(one.kept()).toEqual([]);
  });

  test('leaves the cell that is kept to nobody else', async () => {
    const one = await rig();
    one.pods.isBudgetSpent = () => true;
    one.warn();
    const reserve = await reserveReady(one);
    one.pods.create('stranger');
    const own = await one.runs('stranger');
    expect(own).not.toBe(reserve);
    expect(one.kept().map(({ cellId }) => cellId)).toEqual([reserve]);
  });

  test('has another cell ordered where the one for its successor does not come', async () => {
    const one = await rig();
    one.launch.mockRejectedValueOnce(new Error('lost'));
    one.warn();
    const reserve = await reserveReady(one);
    await soon(() => expect(one.pods.evicted).toEqual(['old']));
    expect(one.launch).toHaveBeenCalledTimes(3);
    expect(reserve).not.toBe('');
  });

  test('keeps the cell for its successor when another process leads', async () => {
    const one = await rig();
    one.pods.isBudgetSpent = () => true;
    one.warn();
    const reserve = await reserveReady(one);
    await soon(() => expect(one.book.get(reserve)?.phase).toBe('ready'));
    one.stop.abort();
    const { pods, machines, book } = one;
    const next = await rig({ remains: { pods, machines, book } });
    next.create('new');
    next.report(reserve);
    await soon(() => expect(next.cellOf('new')).toBe(reserve));
  });
});

describe('a notice', () => {
  test('of a machine that boots has its pod get another', async () => {
    const one = await rig();
    one.create('late');
    await soon(() => expect(one.book.ofPod('uid-late')?.phase).toBe('booting'));
    const { cellId = '' } = one.book.ofPod('uid-late') ?? {};
    one.notices.take({ cellId, kind: 'ends', reason: 'taken back' });
    await soon(() => expect([cellId, '']).not.toContain(one.cellOf('late')));
  });

  test('is heard by who leads, of cells that it has, and has to be told again until the machine is gone', async () => {
    const one = await rig();
    expect(one.notices.take({ cellId: 'elsewhere', kind: 'changed', reason: '' })).toBe(false);
    expect(one.notices.take({ cellId: one.cellId, kind: 'changed', reason: '' })).toBe(true);
    expect(one.changed).toHaveBeenCalledTimes(1);
    expect(one.notices.take({ cellId: one.cellId, kind: 'at-risk', reason: '' })).toBe(true);
    await soon(() => expect(one.told()).toContain('CellAtRisk'));
    expect([one.warn(), one.warn()]).toEqual([false, false]);
    one.follow();
    expect(one.notices.take({ cellId: one.cellId, kind: 'changed', reason: '' })).toBe(false);
  });
});
