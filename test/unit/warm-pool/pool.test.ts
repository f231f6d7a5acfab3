import { pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import { NodelessError } from '../../../src/core/errors.ts';
import { CELL_ANNOTATION } from '../../../src/core/names.ts';
import type { KubeClient, KubeRequest } from '../../../src/kube/client.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';
import { recordedStart } from '../../../src/pods/recorded-start.ts';
import { ArrivalLog } from '../../../src/warm-pool/arrival-log.ts';
import { writeMemory } from '../../../src/warm-pool/memory.ts';
import { writeStatuses } from '../../../src/warm-pool/status-writer.ts';
import { machineOf, offering, world } from '../pods/world.ts';

const DAY_MS = 86_400_000;
const SILENT = pino({ level: 'silent' });
const DEGRADED = expect.objectContaining({
  type: 'Degraded',
  status: 'True',
  reason: 'Invalid',
  message: expect.stringContaining('spec.max is 2'),
});

const worlds: ReturnType<typeof world>[] = [];

afterEach(() => {
  for (const { stop } of worlds.splice(0)) stop.abort();
});

function made(...args: Parameters<typeof world>) {
  const one = world(...args);
  worlds.push(one);
  return one;
}

type World = ReturnType<typeof world>;

/** However busy this machine is. */
function soon(check: () => void): Promise<void> {
  return vi.waitFor(check, 15_000);
}

let revision = 10;

function pool(name: string, spec: object): KubeObject {
  revision += 1;
  return {
    apiVersion: 'nodeless.io/v1alpha1',
    kind: 'WarmPool',
    metadata: { name, uid: `pool-${name}`, resourceVersion: String(revision) },
    spec: { shape: { cpu: '500m', memory: '512Mi' }, ...spec },
  } as KubeObject;
}

const waiting = ({ book }: World) =>
  [...book.cells()].filter(({ phase, podUid }) => phase === 'ready' && podUid === '');
const booting = ({ book }: World) =>
  [...book.cells()].filter(({ phase, podUid }) => phase === 'booting' && podUid === '');

/** A quantile of the time that orders take, as the pool reckons with it now. */
async function measuredLeadMs(one: World, share: number): Promise<number> {
  const kept = one.keeper.pool('pool-web');
  kept?.edit(kept.pool);
  await kept?.tick();
  return kept?.demand.starts?.lead.quantileMs(share) ?? Number.NaN;
}

/** Brings the kubelets of all cells that boot up. */
async function boot(one: World, count: number): Promise<void> {
  await soon(() => expect(booting(one)).toHaveLength(count));
  for (const { cellId } of booting(one)) one.report(cellId);
}

async function withReady(count: number, spec: object = { min: count }): Promise<World> {
  const one = made();
  one.warmPools.apply('ADDED', pool('web', spec));
  one.start();
  await boot(one, count);
  expect(waiting(one)).toHaveLength(count);
  return one;
}

async function runs(one: World, name: string): Promise<string> {
  const uid = `uid-${name}`;
  await soon(() => expect(one.book.ofPod(uid)?.members.get(uid)?.handedOver).toBe(true));
  return one.book.ofPod(uid)?.cellId ?? '';
}

describe('a warm pool', () => {
  test('orders as many cells as it is to have, and they wait with no pod', async () => {
    const one = await withReady(2);
    expect(one.launch).toHaveBeenCalledTimes(2);
    expect(waiting(one).map(({ cellId }) => one.book.podUids(cellId).size)).toEqual([0, 0]);
    expect(one.launch.mock.calls[0]?.[0].tags).toMatchObject({
      pod: '',
      podUid: '',
      pool: { name: 'web', uid: 'pool-web' },
    });
  });

  test('gives a pod a cell that waits, writes that on it before its kubelet sees the pod, and orders the next at once', async () => {
    const one = await withReady(1);
    let shownAtClaim: number | undefined;
    const write = one.claim.getMockImplementation();
    one.claim.mockImplementation(async (cellId, by) => {
      shownAtClaim = one.book.podUids(cellId).size;
      return (await write?.(cellId, by)) as never;
    });
    const [cell] = waiting(one);
    one.pods.create('p');
    expect(await runs(one, 'p')).toBe(cell?.cellId);
    expect(shownAtClaim).toBe(0);
    expect(one.machines.get(cell?.cellId ?? '')?.tags).toMatchObject({ pod: 'ns/p', podUid: 'uid-p' });
    expect(one.pods.events.map(({ reason }) => reason)).toContain('CellClaimed');
    expect(one.pods.events.find(({ reason }) => reason === 'CellReady')?.message).toContain('warm start: of pool web');
    await soon(() => expect(booting(one)).toHaveLength(1));
    expect(one.launch).toHaveBeenCalledTimes(2);
  });

  test('gives what boots already where nothing waits: the pod needs no cell of its own', async () => {
    const one = made();
    one.warmPools.apply('ADDED', pool('web', { min: 1 }));
    one.start();
    await soon(() => expect(booting(one)).toHaveLength(1));
    const [cell] = booting(one);
    one.pods.create('p');
    await soon(() => expect(one.book.ofPod('uid-p')).toBe(cell));
    one.report(cell?.cellId ?? '');
    expect(await runs(one, 'p')).toBe(cell?.cellId);
  });

  test('gives no cell twice, whoever asks at the same time', async () => {
    const one = await withReady(3);
    for (let pod = 0; pod < 6; pod += 1) one.pods.create(`p${pod}`);
    await soon(() => expect(booting(one).length).toBeGreaterThan(0));
    const report = setInterval(() => {
      for (const { cellId, phase } of one.book.cells()) if (phase === 'booting') one.report(cellId);
    }, 10);
    const cells = await Promise.all([0, 1, 2, 3, 4, 5].map((pod) => runs(one, `p${pod}`)));
    clearInterval(report);
    expect(new Set(cells).size).toBe(6);
  });

  test.each([
    ['that asks for more than its cells have', { spec: big('2') }],
    ['of another namespace', { metadata: { name: 'p', namespace: 'other', uid: 'uid-p' } }],
    ['that its selector does not select', {}],
  ])('gives no cell to a pod %s', async (what, more) => {
    const selector = what.includes('selector') ? { selector: { matchLabels: { app: 'web' } } } : {};
    const one = made([offering('small', 1), { ...offering('large', 9), ...large() }]);
    one.warmPools.apply('ADDED', pool('web', { min: 1, namespaces: ['ns'], ...selector }));
    one.start();
    await boot(one, 1);
    const [cell] = waiting(one);
    one.pods.create('p', more as never);
    await soon(() => expect(one.book.ofPod('uid-p')).toBeDefined());
    expect(one.book.ofPod('uid-p')?.cellId).not.toBe(cell?.cellId);
    expect(waiting(one)).toEqual([cell]);
  });

  test('is found again after a restart: its cells are not bought again, and a claim that was not written is void', async () => {
    const one = await withReady(2);
    const [first, second] = waiting(one).map(({ cellId }) => cellId);
    one.stop.abort();
    // The provider died after the annotation and before the machine was written to.
    one.pods.create('p', { metadata: { name: 'p', annotations: { [CELL_ANNOTATION]: first ?? '' } } } as never);
    const again = made([offering('small', 1)], one);
    again.warmPools.apply('ADDED', pool('web', { min: 2 }));
    again.start();
    for (const cellId of [first, second]) again.report(cellId ?? '');
    const cell = await runs(again, 'p');
    expect([first, second]).toContain(cell);
    expect(again.machines.get(cell)?.tags.podUid).toBe('uid-p');
    await boot(again, 1);
    expect(again.launch).toHaveBeenCalledTimes(1);
    expect(waiting(again)).toHaveLength(2);
  });

  test('costs a pod one write, which says what cell it has and that its kubelet is shown it', async () => {
    const one = await withReady(1);
    const [cell] = waiting(one);
    const request = vi.spyOn(one.pods, 'request');
    one.pods.create('p');
    await runs(one, 'p');
    const writes = request.mock.calls.map(([asked]) => asked).filter(({ method }) => method === 'PATCH');
    expect(writes).toHaveLength(1);
    const { metadata, status } = one.pods.get('p') ?? {};
    expect(metadata?.annotations?.[CELL_ANNOTATION]).toBe(cell?.cellId);
    expect(recordedStart({ metadata: metadata as never })).toMatchObject({ attempt: 1, pool: 'web' });
    expect(status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'nodeless.io/CellReady', status: 'True' }),
    );
  });

  test('gives a pod the cell again that was written to be its, where the provider died before it told the pod', async () => {
    const one = await withReady(1);
    const [cell] = waiting(one);
    const cellId = cell?.cellId ?? '';
    one.pods.hold = () => new Promise(() => undefined);
    one.pods.create('p');
    await soon(() => expect(one.pods.held).toBe(1));
    expect(one.book.podUids(cellId).size).toBe(0);
    one.stop.abort();
    one.pods.hold = () => undefined;
    const again = made([offering('small', 1)], one);
    again.warmPools.apply('ADDED', pool('web', { min: 1 }));
    again.start();
    again.report(cellId);
    expect(await runs(again, 'p')).toBe(cellId);
    expect(again.claim).not.toHaveBeenCalled();
    expect(again.pods.get('p')?.metadata.annotations?.[CELL_ANNOTATION]).toBe(cellId);
  });

  test('hands a pod over that somebody changed while its cell was claimed, once', async () => {
    const one = await withReady(1);
    const [cell] = waiting(one);
    const write = one.claim.getMockImplementation();
    one.claim.mockImplementation(async (cellId, by) => {
      const machine = await write?.(cellId, by);
      // Its watch has not told of that yet when the pod is written to.
      one.pods.hold = () => {
        one.pods.hold = () => undefined;
        one.pods.change('p', (now) => ({ ...now, metadata: { ...now.metadata, labels: { changed: 'yes' } } }));
        return Promise.resolve();
      };
      return machine as never;
    });
    one.pods.create('p');
    expect(await runs(one, 'p')).toBe(cell?.cellId);
    expect(one.claim).toHaveBeenCalledTimes(1);
    expect(one.pods.get('p')?.metadata.labels).toEqual({ changed: 'yes' });
  });

  test('keeps what it has after a restart, though who leads now has yet to learn why so many', async () => {
    const one = await withReady(3);
    const cells = waiting(one).map(({ cellId }) => cellId);
    one.stop.abort();
    const again = made([offering('small', 1)], one);
    again.warmPools.apply('ADDED', pool('web', { min: 0 }));
    again.start();
    for (const cellId of cells) again.report(cellId);
    await vi.waitFor(() => expect(again.keeper.pool('pool-web')?.choice).toBeDefined());
    await again.keeper.pool('pool-web')?.tick();
    expect(waiting(again)).toHaveLength(3);
    expect(again.keeper.pool('pool-web')?.demand.level.running).toBe(0);
  });

  /** A pool that knows a week of arrivals by its status; who leads writes to it, while time passes as its waits do. */
  async function remembering(statusOfMemory = () => 200) {
    const one = made();
    const log = new ArrivalLog();
    const nowMs = Date.now();
    for (let day = 7; day > 0; day -= 1) log.add(nowMs - day * DAY_MS, 3);
    const memory = writeMemory({
      log,
      leadMs: [7_000, 7_000, 7_000],
      coldMs: [8_000, 8_000, 8_000],
      warmMs: [],
      resumeMs: [],
      resumedMs: [],
    });
    const object = pool('web', { min: 1 });
    one.warmPools.apply('ADDED', { ...object, status: { memory } } as never);
    one.start();
    await soon(() => expect(one.keeper.pool('pool-web')?.demand.starts?.lead.quantileMs(0.5)).toBe(7_000));
    expect(one.keeper.pool('pool-web')?.demand.memory.log.bins).toEqual(log.bins);
    const written: { readonly atMs: number; readonly body: unknown }[] = [];
    let sleptMs = 0;
    const request = async ({ body }: KubeRequest) => {
      const isMemory = 'memory' in (body as { status: object }).status;
      if (isMemory) written.push({ atMs: sleptMs, body });
      return { status: isMemory ? statusOfMemory() : 200, contentType: '', body: Buffer.from('{}') };
    };
    const clock: Clock = {
      ...systemClock,
      now: () => nowMs + sleptMs,
      sleep: async () => {
        sleptMs += 60_000;
        await systemClock.sleep(1, one.stop.signal);
      },
    };
    const { keeper, warmPools, stop } = one;
    const client = { request } as unknown as KubeClient;
    const writer = { client, pools: warmPools, keeper, canClaim: true, pullsImages: false, clock };
    void writeStatuses({ ...writer, logger: SILENT, mayAct: () => true }, stop.signal);
    return { written, sleptMs: () => sleptMs, body: { metadata: { uid: 'pool-web' }, status: { memory } } };
  }

  test('knows after a restart what was learned before, as its status tells it, and who leads writes that again', async () => {
    const { written, sleptMs, body } = await remembering();
    await soon(() => expect(written).toHaveLength(1));
    expect(written[0]?.atMs).toBeGreaterThanOrEqual(300_000);
    expect(written[0]?.body).toEqual(body);
    await soon(() => expect(sleptMs()).toBeGreaterThan(1_000_000));
    expect(written).toHaveLength(1);
  });

  test('has what it learned written again where that failed, though nothing is new', async () => {
    const statuses = [500];
    const { written, sleptMs, body } = await remembering(() => statuses.shift() ?? 200);
    await soon(() => expect(written).toHaveLength(2));
    const [failed, again] = written;
    expect((again?.atMs ?? 0) - (failed?.atMs ?? 0)).toBeGreaterThanOrEqual(300_000);
    expect(again?.body).toEqual(body);
    await soon(() => expect(sleptMs()).toBeGreaterThan(2_000_000));
    expect(written).toHaveLength(2);
  });

  test('gives what it has after a restart before its kubelets have reported', async () => {
    const one = await withReady(2);
    const cells = waiting(one).map(({ cellId }) => cellId);
    one.stop.abort();
    const again = made([offering('small', 1)], one);
    again.warmPools.apply('ADDED', pool('web', { min: 2 }));
    again.start();
    await vi.waitFor(() => expect(again.keeper.pool('pool-web')?.demand.starts).toBeDefined());
    again.pods.create('p');
    await vi.waitFor(() => expect(again.book.ofPod('uid-p')).toBeDefined());
    expect(cells).toContain(again.book.ofPod('uid-p')?.cellId);
  });

  test('without a shape keeps what it has after a restart, before a pod tells what it is for', async () => {
    const selector = { matchLabels: { app: 'web' } };
    const one = await withReady(2);
    const cells = waiting(one).map(({ cellId }) => cellId);
    one.stop.abort();
    const again = made([offering('small', 1)], one);
    again.warmPools.apply('ADDED', pool('web', { shape: undefined, selector, min: 2 }));
    again.start();
    for (const cellId of cells) again.report(cellId);
    await vi.waitFor(() => expect(again.keeper.pool('pool-web')?.choice).toBeDefined());
    await again.keeper.pool('pool-web')?.tick();
    expect(waiting(again).map(({ cellId }) => cellId)).toEqual(cells);
  });

  test('without a shape is not undone by a pod that no machine is large enough for', async () => {
    const labels = { app: 'web' };
    const one = made();
    one.warmPools.apply('ADDED', pool('web', { shape: undefined, selector: { matchLabels: labels }, min: 1 }));
    one.start();
    one.pods.create('p', { metadata: { name: 'p', labels }, ...{ spec: big('500m') } } as never);
    await vi.waitFor(() => expect(one.book.ofPod('uid-p')).toBeDefined());
    one.report(one.book.ofPod('uid-p')?.cellId ?? '');
    await boot(one, 1);
    const [cell] = waiting(one);
    one.pods.create('q', { metadata: { name: 'q', labels }, ...{ spec: big('900') } } as never);
    await vi.waitFor(() => expect(one.pods.events.map(({ message }) => message).join()).toContain('900'));
    await one.keeper.pool('pool-web')?.tick();
    expect(waiting(one)).toEqual([cell]);
  });

  test('gives no cell whose kubelet is silent, and has it replaced once another waits', async () => {
    const one = await withReady(1);
    const [silent] = waiting(one);
    if (silent !== undefined) silent.lastSeenMs = Date.now() - 60_000;
    one.pods.create('p');
    await vi.waitFor(() => expect(one.book.ofPod('uid-p')).toBeDefined());
    expect(one.book.ofPod('uid-p')).not.toBe(silent);
    const kept = one.keeper.pool('pool-web');
    await kept?.tick();
    await vi.waitFor(() => expect(booting(one)).toHaveLength(1));
    expect(waiting(one)).toEqual([silent]);
    one.report(booting(one)[0]?.cellId ?? '');
    await vi.waitFor(() => expect(booting(one)).toEqual([]));
    await kept?.tick();
    expect(waiting(one)).toHaveLength(1);
    expect(waiting(one)).not.toContain(silent);
  });

  test('gives up a cell whose token a second key has used, also while it waits', async () => {
    const one = await withReady(1);
    const [cell] = waiting(one);
    one.book.distrust(cell?.cellId ?? '');
    expect(waiting(one)).toEqual([]);
    await vi.waitFor(() => expect(one.terminate).toHaveBeenCalledWith(cell?.cellId, expect.anything()));
  });

  test('after a failure tries with one cell, not with all that it lacks', async () => {
    const one = made();
    one.launch.mockRejectedValue(new NodelessError({ code: 'Throttled', retryable: true, message: 'not so fast' }));
    one.warmPools.apply('ADDED', pool('web', { min: 20, max: 20 }));
    one.start();
    await vi.waitFor(() => expect(one.launch).toHaveBeenCalledTimes(20));
    await vi.waitFor(() => expect(one.launch).toHaveBeenCalledTimes(21), { timeout: 5_000, interval: 5 });
    expect(one.keeper.pool('pool-web')?.trouble?.reason).toBe('Throttled');
  });

  test('never gives a cell that has run a pod, though the pod is gone and nobody watched', async () => {
    const one = await withReady(1);
    one.pods.create('p');
    const cell = await runs(one, 'p');
    one.stop.abort();
    one.pods.remove('p');
    const again = made([offering('small', 1)], one);
    expect(again.book.get(cell)).toBeUndefined();
  });

  test('that a lagging list still shows as waiting is no pool’s any more when its pod says that it ran there', async () => {
    const one = await withReady(1);
    one.pods.create('p');
    const cell = await runs(one, 'p');
    const machine = one.machines.get(cell);
    if (machine !== undefined) one.machines.set(cell, { ...machine, tags: { ...machine.tags, pod: '', podUid: '' } });
    const again = made([offering('small', 1)], one);
    expect(again.book.ofPod('uid-p')?.cellId).toBe(cell);
    expect(again.book.get(cell)?.phase).toBe('running');
  });

  test('whose claim can not be written leaves the pod to a new cell', async () => {
    const one = await withReady(1);
    const [cell] = waiting(one);
    one.claim.mockRejectedValue(new NodelessError({ code: 'NotFound', message: 'the machine is gone' }));
    one.pods.create('p');
    await soon(() => expect(one.pods.events.map(({ reason }) => reason)).toContain('CellReplaced'));
    await soon(() => expect(one.terminate).toHaveBeenCalledWith(cell?.cellId, expect.anything()));
  });

  test('gives cells while none can be ordered, says that it is degraded, and asks less and less often', async () => {
    const one = await withReady(2);
    const code = 'InsufficientCapacity';
    one.launch.mockRejectedValue(new NodelessError({ code, retryable: true, message: 'no capacity' }));
    one.pods.create('p');
    await runs(one, 'p');
    await soon(() => expect(one.keeper.pool('pool-web')?.trouble?.reason).toBe(code));
    expect(one.keeper.pool('pool-web')?.orders.isPaused).toBe(true);
    const asked = one.launch.mock.calls.length;
    one.pods.create('q');
    await runs(one, 'q');
    expect(one.launch.mock.calls.length).toBe(asked);
  });

  test('that is deleted while its cells boot leaves nothing', async () => {
    const one = made();
    const object = pool('web', { min: 3 });
    one.warmPools.apply('ADDED', object);
    one.start();
    await soon(() => expect(booting(one)).toHaveLength(3));
    one.warmPools.apply('DELETED', { ...object, metadata: { ...object.metadata, resourceVersion: '99999' } });
    await soon(() => expect(one.book.size).toBe(0));
    expect(one.machines.size).toBe(0);
  });

  test('that is gone after a restart leaves nothing either, but for the cells that have pods', async () => {
    const one = await withReady(2);
    one.pods.create('p');
    const cell = await runs(one, 'p');
    one.stop.abort();
    const again = made([offering('small', 1)], one);
    again.start();
    await soon(() => expect([...again.machines.keys()]).toEqual([cell]));
  });

  test('whose object is not valid any more keeps its cells over a restart, and gives them again once it is', async () => {
    const one = await withReady(2);
    const cells = waiting(one).map(({ cellId }) => cellId);
    one.stop.abort();
    const again = made([offering('small', 1)], one);
    again.warmPools.apply('ADDED', pool('web', { min: 3, max: 2 }));
    again.start();
    for (const cellId of cells) again.report(cellId);
    await soon(() => expect(again.keeper.invalidity('pool-web')).toContain('spec.max is 2'));
    expect([...again.book.cells()].map(({ cellId }) => cellId)).toEqual(cells);
    expect(again.terminate).not.toHaveBeenCalled();
    again.warmPools.apply('MODIFIED', pool('web', { min: 2, max: 2 }));
    again.pods.create('p');
    expect(cells).toContain(await runs(again, 'p'));
    await boot(again, 1);
    expect(waiting(again)).toHaveLength(2);
  });

  test('that was never valid leaves nothing when it is deleted', async () => {
    const one = await withReady(2);
    one.stop.abort();
    const again = made([offering('small', 1)], one);
    const object = pool('web', { min: 3, max: 2 });
    again.warmPools.apply('ADDED', object);
    again.start();
    await soon(() => expect(again.keeper.invalidity('pool-web')).toBeDefined());
    expect(again.book.size).toBe(2);
    again.warmPools.apply('DELETED', { ...object, metadata: { ...object.metadata, resourceVersion: '99999' } });
    await soon(() => expect(again.machines.size).toBe(0));
  });

  test('says in its status that it is not valid, also from its start on, and what it has all the same', async () => {
    const one = await withReady(2);
    one.stop.abort();
    const again = made([offering('small', 1)], one);
    again.warmPools.apply('ADDED', pool('web', { min: 3, max: 2 }));
    again.start();
    await soon(() => expect([...again.keeper.neverRead()]).toHaveLength(1));
    const written = vi.fn(async (_request: KubeRequest) => ({ status: 200, contentType: '', body: Buffer.from('{}') }));
    const client = { request: written } as unknown as KubeClient;
    const { keeper, warmPools, stop } = again;
    const writer = {
      client,
      pools: warmPools,
      keeper,
      canClaim: true,
      pullsImages: false,
      clock: systemClock,
      logger: SILENT,
    };
    void writeStatuses({ ...writer, mayAct: () => true }, stop.signal);
    await soon(() => expect(written).toHaveBeenCalledTimes(1));
    expect(written.mock.calls[0]?.[0]).toMatchObject({
      path: expect.stringContaining('/web/status'),
      body: { status: { replicas: 2, conditions: expect.arrayContaining([DEGRADED]) } },
    });
  });

  test('whose pods ask for more after an edit gives none of its cells any more, and ends each when its successor waits', async () => {
    const one = made([offering('small', 1), { ...offering('large', 9), ...large() }]);
    one.warmPools.apply('ADDED', pool('web', { min: 2, max: 2 }));
    one.start();
    await boot(one, 2);
    const small = waiting(one);
    one.warmPools.apply('MODIFIED', pool('web', { min: 2, max: 2, shape: { cpu: '2', memory: '2Gi' } }));
    await soon(() => expect(booting(one)).toHaveLength(2));
    expect(waiting(one)).toEqual(small);
    expect(
      one.keeper.stock.cheapest(
        () => true,
        () => true,
      ),
    ).toBeUndefined();
    for (const { cellId } of booting(one)) one.report(cellId, { cpu: '4', memory: '8Gi' });
    await soon(() => expect(waiting(one).map(({ machine }) => machine?.instanceType)).toEqual(['large', 'large']));
  });

  test('whose class does not allow its machines any more replaces them, and no pod is given one', async () => {
    const one = made([offering('small', 1), offering('other', 2)]);
    const cellClass = (spec: object) => {
      revision += 1;
      return { metadata: { name: 'web', resourceVersion: String(revision) }, spec } as never;
    };
    one.classes.apply('ADDED', cellClass({}));
    one.warmPools.apply('ADDED', pool('web', { min: 1, max: 1, cellClass: 'web' }));
    one.start();
    await boot(one, 1);
    const kept = one.keeper.pool('pool-web');
    const [before] = waiting(one);
    one.classes.apply('MODIFIED', cellClass({ instanceTypes: { exclude: ['small'] } }));
    kept?.edit(kept.pool);
    await soon(() => expect(booting(one)).toHaveLength(1));
    expect(waiting(one)).toEqual([before]);
    expect(before !== undefined && kept?.unfitness(before)).toContain('not allowed');
    one.report(booting(one)[0]?.cellId ?? '');
    await soon(() => expect(waiting(one).map(({ machine }) => machine?.instanceType)).toEqual(['other']));
  });

  test('keeps no cell whose kubelet has less than its pods ask for, says so, and asks again with a pause', async () => {
    const one = made();
    one.warmPools.apply('ADDED', pool('web', { min: 1 }));
    one.start();
    await soon(() => expect(booting(one)).toHaveLength(1));
    const kept = one.keeper.pool('pool-web');
    await kept?.tick();
    const [cell] = booting(one);
    one.report(cell?.cellId ?? '', { cpu: '400m', memory: '1Gi' });
    await soon(() => expect(one.terminate).toHaveBeenCalledWith(cell?.cellId, expect.anything()));
    expect(waiting(one)).toEqual([]);
    expect(kept?.trouble?.reason).toBe('CellUnfit');
    expect(kept?.orders.isPaused).toBe(true);
  });

  test('takes an edit at once', async () => {
    const one = await withReady(3);
    one.warmPools.apply('MODIFIED', pool('web', { min: 1, max: 1 }));
    await soon(() => expect(waiting(one)).toHaveLength(1));
    one.warmPools.apply('MODIFIED', pool('web', { min: 0, max: 4, replicas: 4 }));
    await soon(() => expect(booting(one)).toHaveLength(3));
  });

  test('has the limits of a window of its schedule while that is open, and takes an edit of it at once', async () => {
    const one = made();
    const schedule = [{ cron: '* * * * *', duration: '5m', min: 2, max: 2 }];
    one.warmPools.apply('ADDED', pool('web', { min: 0, schedule }));
    one.start();
    await boot(one, 2);
    expect(one.keeper.pool('pool-web')?.demand.limits).toMatchObject({ min: 2, max: 2, open: [{ timeZone: 'UTC' }] });
    one.warmPools.apply('MODIFIED', pool('web', { min: 0, max: 1, schedule: [] }));
    await soon(() => expect(waiting(one)).toHaveLength(1));
  });

  test('has its machines pull its images, by their whole names', async () => {
    const one = made();
    one.warmPools.apply('ADDED', pool('web', { min: 1, images: ['busybox', 'registry.k8s.io/pause:3.10'] }));
    one.start();
    await soon(() => expect(one.launch).toHaveBeenCalled());
    const images = ['docker.io/library/busybox:latest', 'registry.k8s.io/pause:3.10'];
    expect(one.launch.mock.calls[0]?.[0]).toMatchObject({ images });
  });

  test('takes its own status for no edit: what was there at a restart stays', async () => {
    const one = await withReady(3);
    const cells = waiting(one).map(({ cellId }) => cellId);
    one.stop.abort();
    const again = made([offering('small', 1)], one);
    const object = pool('web', { min: 0 });
    const told = (resourceVersion: string) => ({
      ...object,
      metadata: { ...object.metadata, generation: 1, resourceVersion },
      status: { desired: Number(resourceVersion) },
    });
    again.warmPools.apply('ADDED', told('50000'));
    again.start();
    for (const cellId of cells) again.report(cellId);
    const kept = () => again.keeper.pool('pool-web');
    await soon(() => expect(kept()?.choice).toBeDefined());
    again.warmPools.apply('MODIFIED', told('50001'));
    expect(kept()?.choice).toBeDefined();
    // They are older than what is billed at least.
    for (const { machine } of waiting(again)) if (machine !== undefined) Object.assign(machine, { createdAtMs: 0 });
    await kept()?.tick();
    expect(waiting(again)).toHaveLength(3);
  });

  test('holds no more than its budget pays for, and says so where that is less than its least', async () => {
    const one = made();
    one.warmPools.apply('ADDED', pool('web', { min: 3, budget: { maxPricePerHourUsd: 2.5 } }));
    one.start();
    await boot(one, 2);
    const kept = one.keeper.pool('pool-web');
    expect(kept?.trouble?.reason).toBe('BudgetBelowMin');
    expect(kept?.demand.level.running).toBe(2);
  });

  test.each([
    ['of cells', { maxCells: 3 }],
    ['of dollars', { maxPricePerHourUsd: 3 }],
  ])(
    'leaves a budget %s to the pods that wait for it: as many of its cells end as that takes, and no more',
    async (_, budgets) => {
      const one = made();
      one.classes.apply('ADDED', { metadata: { name: 'web', resourceVersion: '5' }, spec: { budgets } } as never);
      one.warmPools.apply('ADDED', pool('web', { min: 3, max: 3, cellClass: 'web', namespaces: ['other'] }));
      one.start();
      await boot(one, 3);
      const labels = { 'nodeless.io/cell-class': 'web' };
      one.pods.create('p', { metadata: { name: 'p', labels } } as never);
      await soon(() => expect(one.book.ofPod('uid-p')).toBeDefined());
      await soon(() => expect(waiting(one)).toHaveLength(2));
      const kept = one.keeper.pool('pool-web');
      await kept?.tick();
      expect(one.launch).toHaveBeenCalledTimes(4);
      expect(one.terminate).toHaveBeenCalledTimes(1);
    },
  );

  test('does not take the budget again that pods wait for, and says so; they come first', async () => {
    const one = made();
    const spec = { budgets: { maxCells: 1 } };
    one.classes.apply('ADDED', { metadata: { name: 'web', resourceVersion: '5' }, spec } as never);
    const metadata = { labels: { 'nodeless.io/cell-class': 'web' } };
    one.start();
    for (const name of ['p', 'q']) one.pods.create(name, { metadata: { name, ...metadata } } as never);
    await soon(() => expect(one.assignment.isBudgetAwaited('web')).toBe(true));
    one.warmPools.apply('ADDED', pool('web', { min: 1, cellClass: 'web', namespaces: ['other'] }));
    await soon(() => expect(one.keeper.pool('pool-web')?.choice ?? one.keeper.pool('pool-web')?.trouble).toBeDefined());
    const [first, second] = one.book.ofPod('uid-p') === undefined ? ['q', 'p'] : ['p', 'q'];
    one.pods.remove(first);
    // The pool may look before the pod does.
    await soon(() => expect(one.book.size).toBe(0));
    const kept = one.keeper.pool('pool-web');
    kept?.edit(kept.pool);
    await kept?.tick();
    expect(kept?.holding.position).toBe(0);
    expect(kept?.trouble?.message).toContain('pods wait for the budget of CellClass web');
    await soon(() => expect(one.book.ofPod(`uid-${second}`)).toBeDefined());
  });

  test('keeps its cells where a pod could not be had with their budget either', async () => {
    const one = made([offering('small', 1), { ...offering('large', 9), ...large() }]);
    const spec = { budgets: { maxPricePerHourUsd: 4 } };
    one.classes.apply('ADDED', { metadata: { name: 'web', resourceVersion: '5' }, spec } as never);
    one.warmPools.apply('ADDED', pool('web', { min: 3, max: 3, cellClass: 'web' }));
    one.start();
    await boot(one, 3);
    const metadata = { name: 'p', labels: { 'nodeless.io/cell-class': 'web' } };
    one.pods.create('p', { metadata, spec: big('2') } as never);
    await soon(() => expect(one.pods.events.map(({ reason }) => reason)).toContain('BudgetExceeded'));
    await one.keeper.pool('pool-web')?.tick();
    expect(one.terminate).not.toHaveBeenCalled();
    expect(waiting(one)).toHaveLength(3);
  });

  test('replaces a cell whose machine ends, and one whose kubelet is not Ready any more', async () => {
    const one = await withReady(2);
    const [lost, sick] = waiting(one);
    if (lost !== undefined) one.book.enter(lost, 'lost', 'interrupted');
    const conditions = [{ type: 'Ready', status: 'False' }];
    one.book.nodeStatus(sick?.cellId ?? '', { status: { allocatable: { cpu: '1', memory: '1Gi' }, conditions } });
    await boot(one, 2);
    await soon(() => expect(waiting(one)).toHaveLength(2));
    expect(waiting(one).map(({ cellId }) => cellId)).not.toContain(lost?.cellId);
  });

  test('replaces a cell that is half as old as its class lets it become, when its successor waits', async () => {
    const one = made();
    one.classes.apply('ADDED', {
      metadata: { name: 'brief', resourceVersion: '5' },
      spec: { expireAfter: '10d' },
    } as never);
    one.warmPools.apply('ADDED', pool('web', { min: 1, max: 1, cellClass: 'brief' }));
    madeBefore(one, 6 * DAY_MS);
    one.start();
    await boot(one, 1);
    const [aged] = waiting(one);
    await soon(() => expect(booting(one)).toHaveLength(1));
    expect(waiting(one)).toEqual([aged]);
    one.report(booting(one)[0]?.cellId ?? '');
    await soon(() => expect(one.terminate).toHaveBeenCalledWith(aged?.cellId, expect.anything()));
  });

  test('gives no cell that has little left of the life that its class lets it have', async () => {
    const one = made();
    const metadata = { name: 'brief', resourceVersion: '5' };
    one.classes.apply('ADDED', { metadata, spec: { expireAfter: '10d' } } as never);
    one.warmPools.apply('ADDED', pool('web', { min: 1, max: 1, cellClass: 'brief' }));
    madeBefore(one, 9 * DAY_MS);
    one.start();
    await boot(one, 1);
    const [aged] = waiting(one);
    one.pods.create('p', { metadata: { name: 'p', labels: { 'nodeless.io/cell-class': 'brief' } } } as never);
    await soon(() => expect(one.book.ofPod('uid-p')).toBeDefined());
    expect(one.book.ofPod('uid-p')).not.toBe(aged);
  });

  test('gives a pod the cell that suits it, also where what it would order next would not', async () => {
    const one = made([offering('small', 1), offering('other', 2)]);
    one.warmPools.apply('ADDED', pool('web', { min: 1, max: 2 }));
    one.start();
    await boot(one, 1);
    const [cell] = waiting(one);
    const kept = one.keeper.pool('pool-web');
    one.launch.mockRejectedValueOnce(
      new NodelessError({ code: 'InsufficientCapacity', retryable: true, message: 'no capacity' }),
    );
    one.warmPools.apply('MODIFIED', pool('web', { min: 2, max: 2 }));
    await soon(() => expect(one.launch).toHaveBeenCalledTimes(2));
    await soon(() => expect(kept?.trouble).toBeDefined());
    if (kept !== undefined) kept.edit(kept.pool);
    await kept?.tick();
    expect(kept?.choice?.offering.instanceType).toBe('other');
    const nodeSelector = { 'node.kubernetes.io/instance-type': 'small' };
    one.pods.create('p', { spec: { containers: [{ name: 'c' }], nodeSelector } } as never);
    expect(await runs(one, 'p')).toBe(cell?.cellId);
  });

  test('reckons with the time from the first order of a cell on, also where that failed', async () => {
    const one = made();
    for (let failure = 0; failure < 3; failure += 1)
      one.launch.mockRejectedValueOnce(
        new NodelessError({ code: 'Throttled', retryable: true, message: 'not so fast' }),
      );
    one.warmPools.apply('ADDED', pool('web', { min: 3 }));
    one.start();
    const report = setInterval(() => {
      for (const { cellId } of booting(one)) one.report(cellId);
    }, 10);
    await soon(() => expect(waiting(one)).toHaveLength(3));
    clearInterval(report);
    expect(await measuredLeadMs(one, 0)).toBeGreaterThan(900);
  });

  test('measures also the cells that are given while they boot', async () => {
    const one = made();
    one.warmPools.apply('ADDED', pool('web', { min: 3 }));
    one.start();
    await soon(() => expect(booting(one)).toHaveLength(3));
    const cells = booting(one);
    for (const name of ['p', 'q', 'r']) one.pods.create(name);
    await soon(() => expect(cells.every(({ podUid }) => podUid !== '')).toBe(true));
    for (const { cellId } of cells) one.report(cellId);
    for (const name of ['p', 'q', 'r']) await runs(one, name);
    expect(await measuredLeadMs(one, 1)).toBeLessThan(20_000);
  });

  test.each([
    ['counts a pod as late that is deleted after its time, though it never started', '1ms', 1, 0],
    ['does not count one that is deleted before', '1h', 0, undefined],
  ])('%s', async (_, target, told, inTime) => {
    const one = made();
    one.warmPools.apply('ADDED', pool('web', { min: 1, startupSla: { target, percentile: 95 } }));
    one.start();
    await soon(() => expect(booting(one)).toHaveLength(1));
    one.pods.create('p');
    await soon(() => expect(one.book.ofPod('uid-p')).toBeDefined());
    await systemClock.sleep(5, one.stop.signal);
    one.pods.remove('p');
    await soon(() => expect(one.book.ofPod('uid-p')).toBeUndefined());
    const record = one.keeper.pool('pool-web')?.demand.record;
    expect([record?.told, record?.shareWithin(1)]).toEqual([told, inTime]);
  });

  test('is not in the way of 199 others: all are sized, and a pod is given its cell among them', async () => {
    const one = made();
    for (let at = 0; at < 200; at += 1)
      one.warmPools.apply('ADDED', pool(`web-${at}`, { min: 1, selector: { matchLabels: { at: String(at) } } }));
    one.start();
    await boot(one, 200);
    one.pods.create('p', { metadata: { name: 'p', labels: { at: '137' } } } as never);
    const cell = await runs(one, 'p');
    expect(one.book.get(cell)?.pool?.name).toBe('web-137');
  });
});

/** The next machine is as old as that when it comes. */
function madeBefore(one: World, ageMs: number): void {
  one.launch.mockImplementationOnce(async (request) => {
    const machine = { ...machineOf(request), createdAtMs: Date.now() - ageMs };
    one.machines.set(request.tags.cellId, machine);
    return machine;
  });
}

function big(cpu: string) {
  return { containers: [{ name: 'c', resources: { requests: { cpu, memory: '1Gi' } } }] };
}

function large() {
  const size = { cpuMilli: 4_000, memoryBytes: 8 * 1_024 ** 3, ephemeralStorageBytes: 0, extended: {} };
  return { capacity: size, allocatable: size };
}
