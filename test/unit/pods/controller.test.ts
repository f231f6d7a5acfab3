import { afterEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { NodelessError } from '../../../src/core/errors.ts';
import { CELL_ANNOTATION } from '../../../src/core/names.ts';
import { resourcesOf } from '../../../src/core/resources.ts';
import { recordedChoice } from '../../../src/pods/recorded-choice.ts';
import { cellClass } from '../../support/cell-class.ts';
import { machineOf, offering, world } from './world.ts';

const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

function started(...offerings: Parameters<typeof world>) {
  const made = world(...offerings);
  stops.push(made.stop);
  made.start();
  return made;
}

function cellOf(pod: { metadata: { annotations?: Record<string, string> } } | undefined): string {
  return pod?.metadata.annotations?.[CELL_ANNOTATION] ?? '';
}

/** Brings a pod as far as its kubelet having it. */
async function running(made: ReturnType<typeof world>, name: string): Promise<string> {
  made.pods.create(name);
  await vi.waitFor(() => expect(made.book.get(cellOf(made.pods.get(name)))?.phase).toBe('booting'));
  const cellId = cellOf(made.pods.get(name));
  made.report(cellId);
  await vi.waitFor(() => expect(made.book.get(cellId)?.phase).toBe('running'));
  return cellId;
}

/** What the node controller does to a pod of a node that it takes for dead. */
function mark(made: ReturnType<typeof world>, name: string): void {
  made.pods.change(name, (pod) => ({
    ...pod,
    spec: { containers: [{ name: 'c', readinessProbe: { periodSeconds: 1 } }] },
    status: {
      phase: 'Running',
      conditions: [
        ...(pod.status?.conditions ?? []),
        { type: 'ContainersReady', status: 'True' },
        { type: 'Ready', status: 'False' },
      ],
    },
  }));
}

describe('the pod controller', () => {
  test('remembers nothing of a pod that goes while it is written to', async () => {
    const made = started();
    const forget = vi.spyOn(made.assignment, 'forget');
    const written = Promise.withResolvers<void>();
    made.pods.hold = () => written.promise;
    made.pods.create('p');
    await vi.waitFor(() => expect(made.pods.held).toBe(1));
    made.pods.remove('p');
    const before = forget.mock.calls.length;
    written.resolve();
    await vi.waitFor(() => expect(forget.mock.calls.length).toBeGreaterThan(before));
  });

  test('names the cell on the pod before it launches, and the hand-over before it is made', async () => {
    const made = started();
    const named: boolean[] = [];
    made.launch.mockImplementation(async (request) => {
      named.push(cellOf(made.pods.get('p')) === request.tags.cellId);
      return machineOf(request);
    });
    const cellId = await running(made, 'p');
    expect(named).toEqual([true]);
    expect([...made.book.podUids(cellId)]).toEqual(['uid-p']);
    expect(made.pods.get('p')?.status?.conditions?.find(({ type }) => type === 'nodeless.io/CellReady')?.status).toBe(
      'True',
    );
    expect(made.pods.events.map(({ reason }) => reason)).toEqual(['CellRequested', 'CellLaunched', 'CellReady']);
  });

  test('a pod that goes while its cell is written to it leaves no machine', async () => {
    const made = started();
    made.pods.beforeAnswer = () => made.pods.remove('p');
    made.pods.create('p');
    await vi.waitFor(() => expect(made.pods.get('p')).toBeUndefined());
    await vi.waitFor(() => expect([made.book.size, made.machines.size]).toEqual([0, 0]));
  });

  test('a pod that goes while its hand-over is written leaves no machine', async () => {
    const made = started();
    made.pods.create('p');
    await vi.waitFor(() => expect(made.machines.size).toBe(1));
    made.pods.beforeAnswer = () => made.pods.remove('p');
    made.report(cellOf(made.pods.get('p')));
    await vi.waitFor(() => expect([made.book.size, made.machines.size]).toEqual([0, 0]));
  });

  test('a pod that names another pod’s cell gets one of its own, and the other keeps its machine', async () => {
    const made = started();
    const victims = await running(made, 'victim');
    made.pods.create('forger', { metadata: { name: 'forger', annotations: { [CELL_ANNOTATION]: victims } } });
    await vi.waitFor(() => expect(made.machines.size).toBe(2));
    expect([...made.book.podUids(victims)]).toEqual(['uid-victim']);
    expect(cellOf(made.pods.get('forger'))).not.toBe(victims);
    expect(made.terminate).not.toHaveBeenCalled();
  });

  test('a machine that has less than was offered is replaced at once, and its type is not chosen again for such a pod', async () => {
    const made = started([offering('small', 1), offering('large', 2, resourcesOf({ cpu: '2', memory: '2Gi' }))]);
    const containers = [{ name: 'c', resources: { requests: { cpu: '1' } } }];
    made.pods.create('p', { spec: { containers } });
    await vi.waitFor(() => expect(made.launch).toHaveBeenCalledTimes(1));
    await vi.waitFor(() => expect(made.book.get(cellOf(made.pods.get('p')))?.phase).toBe('booting'));
    made.report(cellOf(made.pods.get('p')), { cpu: '900m', memory: '1Gi' });
    await vi.waitFor(() => expect(made.launch).toHaveBeenCalledTimes(2));
    expect(made.launch.mock.calls.map(([{ offering: chosen }]) => chosen.instanceType)).toEqual(['small', 'large']);
    await vi.waitFor(() => expect(made.pods.events.map(({ reason }) => reason)).toContain('CellReplaced'));
    expect(recordedChoice(made.pods.get('p') ?? { metadata: { name: 'p' } })).toMatchObject({
      attempt: 2,
      instanceType: 'large',
    });
  });

  test('a kubelet that reports next to nothing is not launched again and again', async () => {
    const made = started([offering('small', 1), offering('large', 2, resourcesOf({ cpu: '2', memory: '2Gi' }))]);
    const containers = [{ name: 'c', resources: { requests: { cpu: '1' } } }];
    made.pods.create('p', { spec: { containers } });
    await vi.waitFor(() => expect(made.book.get(cellOf(made.pods.get('p')))?.phase).toBe('booting'));
    made.report(cellOf(made.pods.get('p')), { cpu: '1m', memory: '1Mi' });
    await vi.waitFor(() => expect(made.launch).toHaveBeenCalledTimes(2));
    expect(made.launch.mock.calls[1]?.[0].offering.instanceType).toBe('large');
  });

  test('a launch that fails for lack of capacity goes on to the next offering at once, until none is left', async () => {
    const made = started([offering('small', 1), offering('large', 2)]);
    made.launch.mockRejectedValue(new NodelessError({ code: 'InsufficientCapacity', message: 'none' }));
    made.pods.create('p');
    const told = () => made.pods.events.map(({ reason }) => reason);
    await vi.waitFor(() => expect(told()).toContain('InsufficientCapacity'));
    expect(made.launch.mock.calls.map(([{ offering: chosen }]) => chosen.instanceType)).toEqual(['small', 'large']);
    expect(told().filter((reason) => reason === 'CellLaunchFailed')).toHaveLength(2);
  });

  test('a cell that could not be written to its pod is not counted to the budget', async () => {
    const made = started();
    made.classes.apply('ADDED', {
      metadata: { name: 'one', resourceVersion: '5' },
      spec: { budgets: { maxCells: 1 } },
    });
    const conflict = { status: 409, contentType: 'application/json', body: Buffer.from('{}') };
    vi.spyOn(made.pods, 'request').mockResolvedValueOnce(conflict);
    made.pods.create('p', { metadata: { name: 'p', labels: { 'nodeless.io/cell-class': 'one' } } });
    await vi.waitFor(() => expect(made.launch).toHaveBeenCalledTimes(1));
    made.pods.create('q', { metadata: { name: 'q', labels: { 'nodeless.io/cell-class': 'one' } } });
    await vi.waitFor(() => expect(made.pods.events.map(({ reason }) => reason)).toContain('BudgetExceeded'));
    expect(made.launch).toHaveBeenCalledTimes(1);
  });

  test('a pod that waits for the budget of its class has a cell as soon as one of the class ends, each in its turn', async () => {
    const made = started();
    made.classes.apply('ADDED', {
      metadata: { name: 'one', resourceVersion: '5' },
      spec: { budgets: { maxCells: 1 } },
    });
    const metadata = { labels: { 'nodeless.io/cell-class': 'one' } };
    const names = ['p', 'q', 'r'];
    for (const name of names) made.pods.create(name, { metadata: { name, ...metadata } });
    const withCell = () => names.filter((name) => cellOf(made.pods.get(name)) !== '');
    const waiting = () => made.pods.events.filter(({ reason }) => reason === 'BudgetExceeded');
    await vi.waitFor(() => expect([withCell().length, waiting().length]).toEqual([1, 2]));
    for (let left = 2; left > 0; left -= 1) {
      const [had = ''] = withCell();
      made.pods.remove(had);
      await vi.waitFor(() => expect(withCell()).toHaveLength(1));
      expect(withCell()).not.toContain(had);
    }
    expect(made.launch).toHaveBeenCalledTimes(3);
    // The one that had to wait twice was told once.
    expect(waiting()).toHaveLength(2);
  });

  test('the class of a cell is handed to its launch, and its name is written on the machine', async () => {
    const made = started();
    const metadata = { name: 'gold', resourceVersion: '5' };
    made.classes.apply('ADDED', { metadata, spec: { tags: { team: 'a' } } });
    made.pods.create('p', { metadata: { name: 'p', labels: { 'nodeless.io/cell-class': 'gold' } } });
    await vi.waitFor(() => expect(made.launch).toHaveBeenCalled());
    const [request] = made.launch.mock.calls[0] ?? [];
    expect(request).toMatchObject({
      tags: { cellClass: 'gold' },
      cellClass: { name: 'gold', spec: { tags: { team: 'a' } } },
    });
  });

  test('a pod that names a machine that the book does not know leaves it alone too', async () => {
    const made = started();
    const tags = { clusterUid: 'c', virtualNode: 'n', cellId: 'cell-foreign', pod: 'ns/victim', podUid: 'uid-victim' };
    const order = { offering: offering('small', 1), cellClass: cellClass() };
    made.machines.set('cell-foreign', machineOf({ tags, ...order, bootstrap: {} as never }));
    made.pods.create('forger', { metadata: { name: 'forger', annotations: { [CELL_ANNOTATION]: 'cell-foreign' } } });
    await vi.waitFor(() => expect(cellOf(made.pods.get('forger'))).toMatch(/^cell-(?!foreign)/));
    expect(made.terminate).not.toHaveBeenCalledWith('cell-foreign', expect.anything());
  });

  test('an exhausted offering is followed by the next, under another id', async () => {
    const made = started([offering('cheap', 1), offering('dear', 2)]);
    made.launch.mockImplementationOnce(async () => {
      throw new NodelessError({ code: 'InsufficientCapacity', retryable: true, message: 'none left' });
    });
    made.pods.create('p');
    await vi.waitFor(() => expect(made.machines.size).toBe(1));
    const [first, second] = made.launch.mock.calls.map(([request]) => request);
    expect([first?.offering.instanceType, second?.offering.instanceType]).toEqual(['cheap', 'dear']);
    expect(first?.tags.cellId).not.toBe(second?.tags.cellId);
  });

  test('when everything is exhausted the pod is told so, and has no cell id', async () => {
    const made = started();
    made.launch.mockRejectedValue(
      new NodelessError({ code: 'InsufficientCapacity', retryable: true, message: 'none left' }),
    );
    made.pods.create('p');
    await vi.waitFor(() => expect(made.pods.events.map(({ reason }) => reason)).toContain('InsufficientCapacity'));
    await vi.waitFor(() => expect(cellOf(made.pods.get('p'))).toBe(''));
    const condition = made.pods.get('p')?.status?.conditions?.find(({ type }) => type === 'nodeless.io/CellReady');
    expect(condition).toMatchObject({ status: 'False', reason: 'InsufficientCapacity' });
  });

  test.each(['InvalidConfig', 'NotFound', 'Unauthorized'] as const)(
    'a cloud that refuses every launch (%s) is asked once, and the pods are told what it said',
    async (code) => {
      const made = started([offering('cheap', 1), offering('dear', 2)]);
      made.launch.mockRejectedValue(new NodelessError({ code, message: 'not like this' }));
      made.pods.create('p');
      await vi.waitFor(() => expect(made.pods.events.map(({ reason }) => reason)).toContain(code));
      made.pods.create('later');
      const told = () => made.pods.events.filter(({ reason }) => reason === code).map(({ message }) => message);
      await vi.waitFor(() => expect(told()).toEqual(['not like this', 'not like this']));
      await vi.waitFor(() => expect(cellOf(made.pods.get('p'))).toBe(''));
      expect(made.launch).toHaveBeenCalledTimes(1);
    },
  );

  test('pods whose turn comes after the offering has failed ask for it no more', async () => {
    const made = started([offering('cheap', 1), offering('dear', 2)]);
    const fails = Promise.withResolvers<void>();
    made.launch.mockImplementation(async (request) => {
      if (request.offering.instanceType === 'dear') return machineOf(request);
      await fails.promise;
      throw new NodelessError({ code: 'InsufficientCapacity', retryable: true, message: 'none left' });
    });
    const names = Array.from({ length: 40 }, (_, index) => `p-${index}`);
    for (const name of names) made.pods.create(name);
    await vi.waitFor(() =>
      expect([...made.book.cells()].filter(({ phase }) => phase === 'launching')).toHaveLength(40),
    );
    fails.resolve();
    const typesOf = () => made.launch.mock.calls.map(([request]) => request.offering.instanceType);
    await vi.waitFor(() => expect(typesOf().filter((type) => type === 'dear')).toHaveLength(40));
    // As many as may be asked for at once, and those that took their turns in the same moment.
    expect(typesOf().filter((type) => type === 'cheap').length).toBeLessThanOrEqual(16);
  });

  test('a pod that nothing would protect as its NetworkPolicy asks has no cell, and is told so', async () => {
    const made = started();
    made.networkPolicies.apply('ADDED', { metadata: { name: 'guard', namespace: 'ns' }, spec: { podSelector: {} } });
    made.pods.create('p');
    await vi.waitFor(() => expect(made.pods.events.map(({ reason }) => reason)).toEqual(['NotEnforced']));
    expect(made.launch).not.toHaveBeenCalled();
    expect(cellOf(made.pods.get('p'))).toBe('');
  });

  test('of the pods that wait, those are looked at again whom a change concerns', async () => {
    const made = started();
    const labels = { 'nodeless.io/cell-class': 'late' };
    for (const name of ['a', 'b']) made.pods.create(name, { metadata: { name, namespace: 'ns', uid: name, labels } });
    await vi.waitFor(() => expect(made.pods.events).toHaveLength(2));
    made.classes.apply('ADDED', { metadata: { name: 'late', resourceVersion: '2' }, spec: {} });
    made.controller.wakeWaiting(({ metadata }) => metadata.name === 'a');
    await vi.waitFor(() => expect(cellOf(made.pods.get('a'))).not.toBe(''));
    expect(cellOf(made.pods.get('b'))).toBe('');
    made.controller.wakeWaiting(({ metadata }) => metadata.name === 'b');
    await vi.waitFor(() => expect(cellOf(made.pods.get('b'))).not.toBe(''));
  });

  test('a pod deleted before its hand-over is Failed, then deleted, and its cell ends', async () => {
    const made = started();
    made.pods.create('p');
    await vi.waitFor(() => expect(made.machines.size).toBe(1));
    const phases: (string | undefined)[] = [];
    made.pods.beforeAnswer = () => phases.push(made.pods.get('p')?.status?.phase);
    made.pods.change('p', (pod) => ({
      ...pod,
      metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
    }));
    await vi.waitFor(() => expect([made.pods.get('p'), made.machines.size]).toEqual([undefined, 0]));
    expect(phases).toContain('Failed');
  });

  test('a terminating pod whose cell is lost is Failed as CellLost before it is deleted', async () => {
    const made = started();
    const cellId = await running(made, 'p');
    const seen: unknown[] = [];
    made.pods.beforeAnswer = () => seen.push(made.pods.get('p')?.status?.reason);
    made.pods.change('p', (pod) => ({
      ...pod,
      metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
    }));
    const cell = made.book.get(cellId);
    if (cell !== undefined) made.book.enter(cell, 'lost', 'spot');
    await vi.waitFor(() => expect(made.pods.get('p')).toBeUndefined());
    expect(seen).toContain('CellLost');
  });

  test('a cell whose token a second key has used is replaced before it has a pod, and left alone after', async () => {
    const made = started();
    made.pods.create('p');
    await vi.waitFor(() => expect(made.machines.size).toBe(1));
    const first = cellOf(made.pods.get('p'));
    await vi.waitFor(() => expect(made.book.get(first)?.phase).toBe('booting'));
    made.book.distrust(first);
    await vi.waitFor(() => expect(cellOf(made.pods.get('p'))).not.toBe(first));
    await vi.waitFor(() => expect([...made.machines.keys()]).toEqual([cellOf(made.pods.get('p'))]));
    const second = await running(made, 'q');
    made.book.distrust(second);
    expect(made.book.get(second)?.phase).toBe('running');
  });

  test('a pod that the node controller made not Ready is Ready again when its kubelet proves it, and not before', async () => {
    const made = started();
    await running(made, 'p');
    const counts = { successful: 5, failed: 0 };
    made.evidenceOf.mockImplementation(async () => ({
      running: new Set(['c']),
      probes: new Map([['c', { ...counts }]]),
    }));
    mark(made, 'p');
    const ready = () => made.pods.get('p')?.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
    await vi.waitFor(() => expect(made.evidenceOf.mock.calls.length).toBeGreaterThan(1));
    expect(ready()).toBe('False');
    counts.successful += 1;
    await vi.waitFor(() => expect(ready()).toBe('True'));
  });

  test('kubelets that do not answer whether their pods are ready keep no other pod waiting', async () => {
    const made = started();
    const names = Array.from({ length: 12 }, (_, at) => `p-${at}`);
    for (const name of names) await running(made, name);
    made.evidenceOf.mockImplementation(() => new Promise(() => undefined));
    for (const name of names) mark(made, name);
    await vi.waitFor(() => expect(made.evidenceOf).toHaveBeenCalledTimes(8));
    await running(made, 'q');
  });

  test('a launch that waits for its next try does not hold up the end of the process', async () => {
    const sleep = vi.spyOn(systemClock, 'sleep');
    const made = started();
    made.launch.mockRejectedValue(new NodelessError({ code: 'AmbiguousOutcome', message: 'no answer' }));
    made.pods.create('p');
    await vi.waitFor(() => expect(sleep).toHaveBeenCalled());
    made.stop.abort();
    await expect(sleep.mock.results[0]?.value).rejects.toThrow();
    sleep.mockRestore();
  });
});
