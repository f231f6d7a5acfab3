import { afterEach, describe, expect, test, vi } from 'vitest';
import { watchIdle } from '../../../src/cells/idle.ts';
import { systemClock } from '../../../src/core/clock.ts';
import {
  CELL_ANNOTATION,
  CELL_CLASS_LABEL,
  CONSTRAINTS_ANNOTATION,
  DAEMONSET_POLICY_ANNOTATION,
  DECISION_ANNOTATION,
  PLACEMENT_LABEL,
  START_ANNOTATION,
} from '../../../src/core/names.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { recordedStart } from '../../../src/pods/recorded-start.ts';
import { onHostOf, podOf } from '../placement/pods.ts';
import { offering, world } from './world.ts';

type World = ReturnType<typeof world>;

const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

function started(...given: Parameters<typeof world>): World {
  const made = world(...given);
  stops.push(made.stop);
  made.start();
  return made;
}

/** What is left of a provider that is killed, and another over it. */
function killedAndStartedAgain(made: World): World {
  made.stop.abort();
  return started(undefined, made);
}

function create(made: World, pod: WirePod, metadata: Partial<WirePod['metadata']> = {}): void {
  made.pods.create(pod.metadata.name, { ...pod, metadata: { ...pod.metadata, ...metadata } });
}

function cellOf(made: World, name: string): string {
  return made.pods.get(name)?.metadata.annotations?.[CELL_ANNOTATION] ?? '';
}

function shown(made: World, name: string): readonly string[] {
  return [...made.book.podUids(cellOf(made, name))].sort();
}

async function told(made: World, reason: string, message: RegExp): Promise<void> {
  const seen = () => made.pods.events.filter((event) => event.reason === reason).map((event) => event.message);
  await vi.waitFor(() => expect(seen().join('\n')).toMatch(message), 3_000);
}

async function run(made: World, ...names: readonly string[]): Promise<void> {
  await vi.waitFor(() => {
    for (const name of names) expect(made.machines.has(cellOf(made, name))).toBe(true);
  }, 3_000);
  for (const cellId of new Set(names.map((name) => cellOf(made, name)))) made.report(cellId);
  await vi.waitFor(() => {
    for (const name of names) expect(shown(made, name)).toContain(`uid-${name}`);
  }, 3_000);
}

function cellClass(made: World, name: string, spec: object = {}): void {
  made.classes.apply('ADDED', { metadata: { name, resourceVersion: '7' }, spec });
}

const ofClass = (name: string) => ({ labels: { app: 'web', [CELL_CLASS_LABEL]: name } });
const constrained = (key: string, value: string) => ({
  labels: { app: 'web' },
  annotations: { [CONSTRAINTS_ANNOTATION]: JSON.stringify({ required: [[{ key, operator: 'In', values: [value] }]] }) },
});

const twin = (name: string, cpu = '100m') => podOf(name, { app: 'twin', with: [onHostOf('twin')], cpu });
const web = (name: string, cpu = '100m') => podOf(name, { app: 'web', with: [onHostOf('cache')], cpu });

describe('pods that must be on one machine', () => {
  test('that come together get one cell, sized for all of them', async () => {
    const large = { ...offering('large', 2) };
    const made = started([offering('small', 1), { ...large, allocatable: { ...large.allocatable, cpuMilli: 2_000 } }]);
    for (const name of ['a', 'b', 'c']) create(made, twin(name, '500m'));
    await vi.waitFor(() => expect(made.machines.size).toBe(1), 3_000);
    const [machine] = made.machines.values();
    expect(machine?.instanceType).toBe('large');
    await vi.waitFor(() => expect(new Set(['a', 'b', 'c'].map((name) => cellOf(made, name))).size).toBe(1));
    await told(made, 'CellRequested', /for 3 pods that must be on one machine \(ns\/a, ns\/b, ns\/c\)/);
    expect(made.launch).toHaveBeenCalledTimes(1);
  });

  test('share the cell of one that needs nobody, and it is not bought twice', async () => {
    const made = started();
    create(made, podOf('cache'));
    await run(made, 'cache');
    create(made, web('web'));
    await run(made, 'web');
    expect(cellOf(made, 'web')).toBe(cellOf(made, 'cache'));
    expect(shown(made, 'cache')).toEqual(['uid-cache', 'uid-web']);
    expect(made.launch).toHaveBeenCalledTimes(1);
  });

  test('keep count of their places and the times of their cells, joined ones too', async () => {
    const made = started();
    create(made, podOf('cache'));
    await run(made, 'cache');
    create(made, web('web'), { annotations: { [START_ANNOTATION]: '{"attempt":2}' } });
    await run(made, 'web');
    const startOf = (name: string) => recordedStart(made.pods.get(name) ?? { metadata: { name } });
    await vi.waitFor(() => expect(startOf('web')?.phases).toHaveProperty('ready'));
    expect(startOf('web')?.attempt).toBe(3);
    expect(startOf('cache')?.attempt).toBe(1);
    expect(Object.keys(startOf('cache')?.phases ?? {})).toEqual(['requested', 'launching', 'booting', 'ready']);
  });

  test('wait with an event for room, and get it when a pod has gone', async () => {
    const made = started();
    for (const name of ['a', 'b']) create(made, twin(name, '400m'));
    await run(made, 'a', 'b');
    create(made, twin('late', '400m'));
    await told(made, 'NoRoom', /cell-\w+ of ns\/a, which it must be on one machine with, has no room for 400m cpu/);
    expect(cellOf(made, 'late')).toBe('');
    made.pods.remove('a');
    await vi.waitFor(() => expect(shown(made, 'b')).toEqual(['uid-b', 'uid-late']), 3_000);
    expect(made.terminate).not.toHaveBeenCalled();
  });

  test('keep their cell until the last of them has gone', async () => {
    const made = started();
    for (const name of ['a', 'b']) create(made, twin(name));
    await run(made, 'a', 'b');
    made.pods.remove('a');
    await vi.waitFor(() => expect(shown(made, 'b')).toEqual(['uid-b']));
    expect(made.machines.size).toBe(1);
    made.pods.remove('b');
    await vi.waitFor(() => expect([made.machines.size, made.book.size]).toEqual([0, 0]));
  });

  test('that fit no machine together get one for as many as fit, and the others are told so at once', async () => {
    const made = started();
    for (const name of ['a', 'b', 'c']) create(made, twin(name, '400m'));
    await run(made, 'a', 'b');
    await told(made, 'NoRoom', /of ns\/a, which it must be on one machine with, has no room for 400m cpu/);
    expect([cellOf(made, 'c'), made.launch.mock.calls.length]).toEqual(['', 1]);
  });

  test.each([
    ['is larger than any machine', { cpu: '64' }],
    ['asks for what nobody can have', { cpu: '90071992547409920' }],
  ])('are not kept waiting by one that %s', async (_, { cpu }) => {
    const made = started();
    create(made, twin('a'));
    create(made, twin('big', cpu));
    for (const name of ['b', 'c']) create(made, twin(name));
    await run(made, 'a', 'b', 'c');
    expect([cellOf(made, 'big'), made.launch.mock.calls.length]).toEqual(['', 1]);
    await vi.waitFor(() => expect(made.pods.get('big')?.status?.conditions?.[0]?.status).toBe('False'), 3_000);
  });

  test('get a larger cell within a budget that has no room for both', async () => {
    const large = offering('large', 2);
    const made = started([offering('small', 1), { ...large, allocatable: { ...large.allocatable, cpuMilli: 2_000 } }]);
    cellClass(made, 'one', { default: true, budgets: { maxCells: 1 } });
    create(made, podOf('cache', { cpu: '800m' }));
    await vi.waitFor(() => expect(made.book.get(cellOf(made, 'cache'))?.phase).toBe('booting'));
    create(made, web('web', '800m'));
    await vi.waitFor(
      () => expect([...made.machines.values()].map(({ instanceType }) => instanceType)).toEqual(['large']),
      8_000,
    );
  }, 10_000);

  test('of which one comes while the other’s machine is on its way get a larger one, and the first ends', async () => {
    const large = offering('large', 2);
    const made = started([offering('small', 1), { ...large, allocatable: { ...large.allocatable, cpuMilli: 2_000 } }]);
    create(made, podOf('cache', { cpu: '800m' }));
    await vi.waitFor(() => expect(made.book.get(cellOf(made, 'cache'))?.phase).toBe('booting'));
    const first = cellOf(made, 'cache');
    create(made, web('web', '800m'));
    await vi.waitFor(() => expect(cellOf(made, 'web')).not.toBe(''), 3_000);
    expect(cellOf(made, 'web')).toBe(cellOf(made, 'cache'));
    await vi.waitFor(() => expect([...made.machines.keys()]).toEqual([cellOf(made, 'web')]));
    expect(cellOf(made, 'web')).not.toBe(first);
  });

  test('cost one that needs nobody its machine once and no more, whoever comes and goes', async () => {
    const sized = (name: string, price: number, cpuMilli: number) => {
      const made = offering(name, price);
      return { ...made, allocatable: { ...made.allocatable, cpuMilli } };
    };
    const made = started([sized('small', 1, 1_000), sized('large', 2, 2_000), sized('huge', 3, 4_000)]);
    create(made, podOf('cache', { cpu: '800m' }));
    await vi.waitFor(() => expect(made.book.get(cellOf(made, 'cache'))?.phase).toBe('booting'));
    create(made, web('web-1', '800m'));
    await vi.waitFor(() => expect(cellOf(made, 'web-1')).not.toBe(''), 3_000);
    const second = cellOf(made, 'cache');
    made.pods.remove('web-1');
    create(made, web('web-2', '1500m'));
    await told(made, 'NoRoom', /of ns\/cache, .* has no room for 1500m cpu/);
    expect(cellOf(made, 'cache')).toBe(second);
  });

  test('of which one can not be beside the other do not keep it from running', async () => {
    const made = started();
    create(made, podOf('cache', { cpu: '800m' }));
    await vi.waitFor(() => expect(made.book.get(cellOf(made, 'cache'))?.phase).toBe('booting'));
    create(made, web('web', '800m'));
    await told(made, 'NoOffering', /no offering fits 1600m cpu/);
    await run(made, 'cache');
    expect(made.launch).toHaveBeenCalledTimes(1);
  });

  test('do not join a cell whose pods are evicted for its age', async () => {
    const made = started();
    create(made, twin('a'));
    await run(made, 'a');
    const cell = made.book.get(cellOf(made, 'a'));
    if (cell !== undefined) cell.expired = true;
    create(made, twin('b'));
    await run(made, 'b');
    expect(cellOf(made, 'b')).not.toBe(cellOf(made, 'a'));
  });

  test('keep no other pod waiting while the answer to one of them is slow', async () => {
    const made = started();
    const release = Promise.withResolvers<void>();
    made.pods.hold = (name) => (name.startsWith('twin') ? release.promise : undefined);
    // More than there are workers.
    const twins = Array.from({ length: 15 }, (_, at) => `twin-${at}`);
    for (const name of twins) create(made, podOf(name, { app: 'twin', with: [onHostOf('twin')], cpu: '10m' }));
    await vi.waitFor(() => expect(made.pods.held).toBe(1), 3_000);
    create(made, podOf('plain'));
    await run(made, 'plain');
    expect(made.pods.held).toBe(1);
    release.resolve();
    await run(made, ...twins);
    expect(made.launch).toHaveBeenCalledTimes(2);
  });

  test('get a machine under a new id when the provider was killed before one of them had run on the old, which is gone', async () => {
    const before = started();
    create(before, podOf('cache'));
    await run(before, 'cache');
    before.pods.create('web', {
      ...web('web'),
      metadata: { ...twin('web').metadata, annotations: { [CELL_ANNOTATION]: 'cell-gone' } },
      spec: twin('web').spec,
    });
    const after = killedAndStartedAgain(before);
    await run(after, 'web');
    expect(cellOf(after, 'web')).not.toBe('cell-gone');
  });

  test('may not be with one that they shun', async () => {
    const made = started();
    create(made, podOf('cache'));
    await run(made, 'cache');
    create(made, podOf('shy', { with: [onHostOf('cache')], apart: [onHostOf('cache')] }));
    await told(made, 'NoRoom', /may not be with ns\/cache/);
    expect(made.launch).toHaveBeenCalledTimes(1);
  });

  test('all fail when their machine is lost', async () => {
    const made = started();
    for (const name of ['a', 'b']) create(made, twin(name));
    await run(made, 'a', 'b');
    const cell = made.book.get(cellOf(made, 'a'));
    if (cell !== undefined) made.book.enter(cell, 'lost', 'spot');
    for (const name of ['a', 'b']) {
      await vi.waitFor(() =>
        expect(made.pods.get(name)?.status).toMatchObject({
          reason: 'CellLost',
          message: expect.stringContaining('spot'),
          conditions: expect.arrayContaining([expect.objectContaining({ type: 'DisruptionTarget', status: 'True' })]),
        }),
      );
    }
    await vi.waitFor(() => expect([made.machines.size, made.book.size]).toEqual([0, 0]));
  });

  test('are found again after a kill, whoever of them is left, and those that wait join them', async () => {
    const before = started();
    for (const name of ['a', 'b']) create(before, twin(name));
    await run(before, 'a', 'b');
    const after = killedAndStartedAgain(before);
    expect(shown(after, 'a')).toEqual(['uid-a', 'uid-b']);
    after.pods.remove('a');
    await vi.waitFor(() => expect(shown(after, 'b')).toEqual(['uid-b']));
    const last = killedAndStartedAgain(after);
    create(last, twin('c'));
    await run(last, 'b', 'c');
    expect(shown(last, 'b')).toEqual(['uid-b', 'uid-c']);
    expect([last.launch, after.launch].map((launch) => launch.mock.calls.length)).toEqual([0, 0]);
  });

  test('get one machine when the provider is killed before any of them has run', async () => {
    const before = started();
    for (const name of ['a', 'b']) create(before, twin(name));
    await vi.waitFor(() => expect(cellOf(before, 'b')).not.toBe(''), 3_000);
    const after = killedAndStartedAgain(before);
    await run(after, 'a', 'b');
    expect(after.machines.size).toBe(1);
    expect(shown(after, 'a')).toEqual(['uid-a', 'uid-b']);
  });

  test('get one machine when the provider is killed before it was launched', async () => {
    const before = started();
    before.launch.mockImplementation(() => new Promise(() => undefined));
    for (const name of ['a', 'b']) create(before, twin(name));
    await vi.waitFor(() => expect(cellOf(before, 'b')).not.toBe(''), 3_000);
    const after = killedAndStartedAgain(before);
    await run(after, 'a', 'b');
    expect([after.machines.size, after.launch.mock.calls.length]).toEqual([1, 1]);
  });
});

describe('a machine that a pod would share', () => {
  const both = () => [offering('small', 1), { ...offering('arm', 2), arch: 'arm64' }];

  /** Each time over, whether the provider knows the cell since it has launched it or found it again. */
  const lives: [string, (made: World) => World][] = [
    ['is there', (made) => made],
    ['was there before a restart', killedAndStartedAgain],
  ];

  test.each(lives)('and that %s is of the architecture that the pod asks for, or the pod waits', async (_, life) => {
    const before = started(both());
    create(before, podOf('cache'));
    await run(before, 'cache');
    const made = life(before);
    create(made, web('web'), constrained('kubernetes.io/arch', 'arm64'));
    await told(made, 'NoRoom', /ns\/cache, whose machine is not kubernetes.io\/arch In arm64/);
    expect(cellOf(made, 'web')).toBe('');
  });

  test.each(lives)('and that %s is no other architecture’s for a pod that names none', async (_, life) => {
    const before = started(both());
    create(before, podOf('cache'), constrained('kubernetes.io/arch', 'arm64'));
    before.pods.change('cache', (pod) => ({ ...pod, metadata: { ...pod.metadata, labels: { app: 'cache' } } }));
    await run(before, 'cache');
    const made = life(before);
    create(made, web('web'));
    await told(made, 'NoRoom', /whose machine is arm64, and the pod names no architecture/);
  });

  test.each(lives)('and that %s is of the pod’s own class, or the pod waits', async (_, life) => {
    const before = started();
    cellClass(before, 'other');
    create(before, podOf('cache'));
    await run(before, 'cache');
    const made = life(before);
    cellClass(made, 'other');
    create(made, web('web'), ofClass('other'));
    await told(made, 'NoRoom', /whose machine is of CellClass \(built-in\), and the pod's is other/);
    expect(cellOf(made, 'web')).toBe('');
  });

  test.each([
    ['is there', false],
    ['was there before a restart', true],
  ])('and that %s gives no more than a burstable one’s baseline', async (_, isRestarted) => {
    const burstable = [{ ...offering('burst', 1), baselineCpuMilli: 300 }];
    const before = started(burstable);
    create(before, podOf('cache'));
    await run(before, 'cache');
    if (isRestarted) before.stop.abort();
    const made = isRestarted ? started(burstable, before) : before;
    create(made, web('web', '250m'));
    await told(made, 'NoRoom', /has no room for 250m cpu/);
    create(made, web('small', '150m'));
    await run(made, 'small');
  });

  test.each(lives)('and that %s has what its agents take kept for them', async (_, life) => {
    const before = started();
    const agents = [{ namespace: 'ns', daemonSet: 'agent' }];
    const agent = { requests: { cpu: '500m', memory: '64Mi' } };
    const prepare = (made: World) => {
      cellClass(made, 'watched', { default: true, agents });
      const template = { spec: { containers: [{ name: 'c', resources: agent }] } };
      const metadata = { name: 'agent', namespace: 'ns', uid: 'ds', resourceVersion: '7' };
      made.daemonSets.apply('ADDED', { metadata, spec: { template } });
    };
    prepare(before);
    create(before, podOf('cache'));
    await run(before, 'cache');
    const made = life(before);
    prepare(made);
    create(made, web('web', '450m'));
    await told(made, 'NoRoom', /has no room for 450m cpu/);
    create(made, web('small', '350m'));
    await run(made, 'small');
  });

  test('is not for a pod that no cell can have, nor for one whose class does not exist', async () => {
    const made = started();
    create(made, podOf('cache'));
    await run(made, 'cache');
    const tied = web('tied');
    const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }];
    create(made, { ...tied, spec: { ...tied.spec, volumes } });
    create(made, web('lost'), ofClass('none'));
    await told(made, 'InvalidConfig', /a persistent volume, which can not be attached to a cell/);
    await told(made, 'NoCellClass', /none/);
    expect([cellOf(made, 'tied'), cellOf(made, 'lost')]).toEqual(['', '']);
  });

  test('is chosen by what all of them ask for, and for none of another class', async () => {
    const made = started(both());
    cellClass(made, 'other');
    create(made, podOf('lone', { app: 'twin', with: [onHostOf('twin')] }), {
      ...constrained('kubernetes.io/arch', 'arm64'),
      labels: { app: 'twin', [CELL_CLASS_LABEL]: 'other' },
    });
    create(made, podOf('a', { app: 'web', with: [onHostOf('web')] }), constrained('kubernetes.io/arch', 'amd64'));
    create(
      made,
      podOf('b', { app: 'web', with: [onHostOf('web')] }),
      constrained('node.kubernetes.io/instance-type', 'small'),
    );
    await run(made, 'a', 'b', 'lone');
    expect(shown(made, 'a')).toEqual(['uid-a', 'uid-b']);
    expect([...made.machines.values()].map(({ instanceType }) => instanceType).sort()).toEqual(['arm', 'small']);
  });
});

const onNode = {
  annotations: { [DECISION_ANNOTATION]: 'node-cell: label' },
  labels: { [PLACEMENT_LABEL]: 'node' },
};

describe('the node cell', () => {
  test('takes in pods of every namespace that are for it, and no other', async () => {
    const made = started();
    create(made, podOf('a'), onNode);
    create(made, podOf('b', { namespace: 'other' }), onNode);
    create(made, podOf('plain'));
    await run(made, 'a', 'b', 'plain');
    expect(shown(made, 'a')).toEqual(['uid-a', 'uid-b']);
    expect(shown(made, 'plain')).toEqual(['uid-plain']);
  });

  test('gives no more than it has: who does not fit waits, and comes when there is room', async () => {
    const made = started();
    create(made, podOf('a', { cpu: '700m' }), onNode);
    await run(made, 'a');
    create(made, podOf('b', { cpu: '700m' }), onNode);
    await told(made, 'NoRoom', /the node cell, cell-\w+, has no room for 700m cpu/);
    made.pods.change('a', (pod) => ({ ...pod, status: { ...pod.status, phase: 'Succeeded' } }));
    made.pods.remove('a');
    await vi.waitFor(() => expect(shown(made, 'b')).toEqual(['uid-b']), 3_000);
    expect(made.launch).toHaveBeenCalledTimes(1);
  });

  test('is for nobody by an annotation alone', async () => {
    const made = started(undefined, undefined, undefined, 'leave');
    create(made, podOf('a'), onNode);
    await run(made, 'a');
    expect(made.book.get(cellOf(made, 'a'))?.purpose).toBeUndefined();
  });

  test('is not for pods of a namespace of its name that must be on one machine', async () => {
    const made = started();
    const namespace = 'node-cell';
    create(made, podOf('a', { app: 'twin', with: [onHostOf('twin')], namespace }));
    await run(made, 'a');
    expect(made.book.get(cellOf(made, 'a'))?.purpose).toBeUndefined();
  });

  test('can not be had for a pod that is larger', async () => {
    const made = started();
    create(made, podOf('a', { cpu: '2' }), onNode);
    await told(made, 'NoOffering', /needs 2 cpu.*sized for 1 cpu, 1Gi; raise cells\.nodeCell\.size/);
    expect(made.launch).not.toHaveBeenCalled();
  });

  test('takes in none that no cell can have, neither the first nor a later one', async () => {
    const made = started();
    const tied = (name: string) => {
      const pod = podOf(name);
      const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }];
      return { ...pod, spec: { ...pod.spec, volumes } };
    };
    create(made, tied('first'), onNode);
    await told(made, 'InvalidConfig', /a persistent volume/);
    expect(made.launch).not.toHaveBeenCalled();
    create(made, podOf('a'), onNode);
    await run(made, 'a');
    create(made, tied('later'), onNode);
    await vi.waitFor(() => expect(made.pods.events.filter(({ reason }) => reason === 'InvalidConfig')).toHaveLength(2));
    expect(cellOf(made, 'later')).toBe('');
  });

  test('takes in none that asks for another machine', async () => {
    const made = started();
    create(made, podOf('a'), onNode);
    await run(made, 'a');
    const { annotations } = constrained('kubernetes.io/arch', 'arm64');
    create(made, podOf('b'), { ...onNode, annotations: { ...annotations, ...onNode.annotations } });
    await told(made, 'NoRoom', /the node cell, cell-\w+, is not kubernetes.io\/arch In arm64/);
    expect(cellOf(made, 'b')).toBe('');
  });

  test('outlives its last pod for the linger, also over a kill, and then ends', async () => {
    const before = started();
    create(before, podOf('a'), onNode);
    await run(before, 'a');
    const cellId = cellOf(before, 'a');
    before.pods.remove('a');
    await vi.waitFor(() => expect(before.book.get(cellId)?.members.size).toBe(0));
    const after = killedAndStartedAgain(before);
    create(after, podOf('b'), onNode);
    await run(after, 'b');
    expect(cellOf(after, 'b')).toBe(cellId);
    const { book, fleet } = after;
    void watchIdle({ book, fleet, clock: systemClock, lingerMs: 0, mayAct: () => true }, after.stop.signal);
    await systemClock.sleep(1_100, after.stop.signal);
    expect(after.machines.size).toBe(1);
    after.pods.remove('b');
    await vi.waitFor(() => expect(after.machines.size).toBe(0), 3_000);
  });

  test('that does not come in time is replaced for all that wait for it, and nobody joins it any more', async () => {
    const made = started([offering('small', 1), offering('dear', 2)], undefined, 500);
    for (const name of ['a', 'b']) create(made, podOf(name), onNode);
    await vi.waitFor(() => expect(cellOf(made, 'b')).not.toBe(''));
    const late = cellOf(made, 'a');
    await vi.waitFor(() => expect(cellOf(made, 'a')).not.toBe(late), 3_000);
    await run(made, 'a', 'b');
    expect(cellOf(made, 'b')).toBe(cellOf(made, 'a'));
    await vi.waitFor(() => expect([...made.machines.keys()]).toEqual([cellOf(made, 'a')]));
  });

  test('is replaced when it is lost, and its pods fail', async () => {
    const made = started();
    create(made, podOf('a'), onNode);
    await run(made, 'a');
    const cell = made.book.get(cellOf(made, 'a'));
    if (cell !== undefined) made.book.enter(cell, 'lost', 'gone');
    await vi.waitFor(() => expect(made.pods.get('a')?.status?.reason).toBe('CellLost'));
    create(made, podOf('b'), onNode);
    await run(made, 'b');
    await vi.waitFor(() => expect([...made.machines.keys()]).toEqual([cellOf(made, 'b')]));
  });
});

describe('a DaemonSet’s pod', () => {
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent', uid: 'ds', controller: true }];

  function daemonSet(made: World, policy?: string): void {
    const annotations = policy === undefined ? {} : { [DAEMONSET_POLICY_ANNOTATION]: policy };
    const metadata = { name: 'agent', namespace: 'ns', uid: 'ds', resourceVersion: '7', annotations };
    made.daemonSets.apply('ADDED', { metadata });
  }

  test('is reported Ready without an address, costs no cell, and goes when it is deleted', async () => {
    const made = started();
    daemonSet(made);
    create(made, podOf('agent-x'), { ownerReferences });
    await vi.waitFor(() => expect(made.pods.get('agent-x')?.status?.phase).toBe('Running'));
    const { status } = made.pods.get('agent-x') ?? {};
    expect(status?.podIP).toBeUndefined();
    expect(status?.containerStatuses?.map(({ ready }) => ready)).toEqual([true]);
    await told(made, 'Absorbed', /DaemonSet agent is absorbed/);
    made.pods.change('agent-x', (pod) => ({
      ...pod,
      metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
    }));
    await vi.waitFor(() => expect(made.pods.get('agent-x')).toBeUndefined());
    expect([made.launch.mock.calls.length, made.book.size]).toEqual([0, 0]);
  });

  test('is Ready again when the node controller has made it not Ready, and stays absorbed whatever its policy becomes', async () => {
    const made = started();
    daemonSet(made);
    create(made, podOf('agent-x'), { ownerReferences });
    const ready = () => made.pods.get('agent-x')?.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
    await vi.waitFor(() => expect(ready()).toBe('True'));
    made.daemonSets.apply('DELETED', { metadata: { name: 'agent', namespace: 'ns', uid: 'ds' } });
    made.pods.change('agent-x', (pod) => ({
      ...pod,
      status: {
        ...pod.status,
        conditions: (pod.status?.conditions ?? []).map((one) =>
          one.type === 'Ready' ? { ...one, status: 'False' } : one,
        ),
      },
    }));
    await vi.waitFor(() => expect(ready()).toBe('True'));
    expect(made.launch).not.toHaveBeenCalled();
  });

  test('that nobody knows is told so once, when it has waited a while', async () => {
    const made = started();
    const creationTimestamp = new Date(Date.now() - 11_000).toISOString();
    create(made, podOf('agent-x'), { ownerReferences, creationTimestamp });
    await told(made, 'NotFound', /there is no DaemonSet agent of uid ds/);
    daemonSet(made, 'node-cell');
    await vi.waitFor(() => expect(cellOf(made, 'agent-x')).not.toBe(''), 8_000);
    expect(made.pods.events.filter(({ reason }) => reason === 'NotFound')).toHaveLength(1);
  }, 10_000);

  test('waits until its DaemonSet is known, and runs on the node cell where that says so', async () => {
    const made = started();
    create(made, podOf('agent-x'), { ownerReferences });
    await systemClock.sleep(100, made.stop.signal);
    expect(made.pods.get('agent-x')?.status).toBeUndefined();
    daemonSet(made, 'node-cell');
    await run(made, 'agent-x');
    expect(made.book.get(cellOf(made, 'agent-x'))?.purpose).toBe('node-cell');
  });
});
