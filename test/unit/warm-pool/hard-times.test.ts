import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import { NodelessError } from '../../../src/core/errors.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';
import { offering, world } from '../pods/world.ts';

type World = ReturnType<typeof world>;

const DAY_MS = 86_400_000;
const METADATA = { name: 'web', uid: 'pool-web', resourceVersion: '11' };
const SPEC = { shape: { cpu: '500m', memory: '512Mi' }, min: 2, max: 2 };

const worlds: World[] = [];
afterEach(() => {
  for (const { stop } of worlds.splice(0)) stop.abort();
});

function soon(check: () => void): Promise<void> {
  return vi.waitFor(check, 15_000);
}

const unclaimed = ({ book }: World, phase: string) =>
  [...book.cells()].filter((cell) => cell.phase === phase && cell.podUid === '');

function runs(one: World, name: string): boolean {
  const uid = `uid-${name}`;
  return one.book.ofPod(uid)?.members.get(uid)?.handedOver === true;
}

/** A pool with its two cells in a tier, and a clock that can be set. */
async function opened(phase: 'ready' | 'stopped', spec: object = SPEC) {
  let aheadMs = 0;
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
  const one = world([offering('small', 1)], undefined, 60_000, 'node-cell', 50, clock);
  worlds.push(one);
  one.warmPools.apply('ADDED', {
    apiVersion: 'nodeless.io/v1alpha1',
    kind: 'WarmPool',
    metadata: METADATA,
    spec,
  } as KubeObject);
  one.start();
  const boot = () => {
    for (const { cellId } of unclaimed(one, 'booting')) one.report(cellId);
  };
  await soon(() => {
    boot();
    expect(unclaimed(one, phase)).toHaveLength(2);
  });
  const set = (ms: number) => {
    aheadMs += ms;
    // Kubelets renew their leases whatever time it is here.
    for (const { cellId } of one.book.cells()) one.book.heartbeat(cellId);
  };
  return { one, boot, set };
}

function deletePool(one: World): void {
  one.warmPools.apply('DELETED', { metadata: { ...METADATA, resourceVersion: '12' } } as KubeObject);
}

describe('a pool in hard times', () => {
  test.each([
    ['back by a day', -DAY_MS],
    ['back by a minute', -60_000],
    ['ahead by an hour', DAY_MS / 24],
    ['ahead by a year', 365 * DAY_MS],
  ])('whose clock is set %s gives its cells, orders others, and ends none', async (_, ms) => {
    const { one, boot, set } = await opened('ready');
    const ids = unclaimed(one, 'ready').map(({ cellId }) => cellId);
    set(ms);
    await one.keeper.pool('pool-web')?.tick();
    one.pods.create('p');
    await soon(() => expect(runs(one, 'p')).toBe(true));
    expect(ids).toContain(one.book.ofPod('uid-p')?.cellId);
    await soon(() => {
      boot();
      expect(unclaimed(one, 'ready')).toHaveLength(2);
    });
    expect(one.launch).toHaveBeenCalledTimes(3);
    expect(one.terminate).not.toHaveBeenCalled();
  });

  test('that asks for orders again after a failure does so also when the clock was set back meanwhile', async () => {
    const { one, boot, set } = await opened('ready');
    one.launch.mockRejectedValueOnce(new NodelessError({ code: 'InsufficientCapacity', message: 'none is left' }));
    one.pods.create('p');
    await soon(() => expect(one.keeper.pool('pool-web')?.trouble?.reason).toBe('InsufficientCapacity'));
    set(-DAY_MS);
    await soon(() => {
      boot();
      expect(unclaimed(one, 'ready')).toHaveLength(2);
    });
    expect(one.keeper.pool('pool-web')?.trouble).toBeUndefined();
  });

  test('that is deleted while a pod claims one of its cells leaves the pod its cell, and nothing else', async () => {
    const { one } = await opened('ready');
    const write = one.claim.getMockImplementation();
    const written = Promise.withResolvers<void>();
    one.claim.mockImplementation(async (cellId, by) => {
      await written.promise;
      return (await write?.(cellId, by)) as never;
    });
    one.pods.create('p');
    await soon(() => expect(one.claim).toHaveBeenCalled());
    deletePool(one);
    written.resolve();
    await soon(() => expect(runs(one, 'p')).toBe(true));
    await soon(() => expect([...one.machines.keys()]).toEqual([one.book.ofPod('uid-p')?.cellId]));
  });

  test('gives all that waits while not one order succeeds, and pods beyond that wait for their own', async () => {
    const { one } = await opened('ready');
    one.launch.mockRejectedValue(new NodelessError({ code: 'InsufficientCapacity', message: 'none is left' }));
    for (const name of ['p', 'q', 'r']) one.pods.create(name);
    await soon(() => expect(['p', 'q', 'r'].filter((name) => runs(one, name))).toHaveLength(2));
    const owners = [...one.machines.values()].map(({ tags }) => tags.podUid);
    expect(new Set(owners).size).toBe(2);
    expect(one.keeper.pool('pool-web')?.trouble?.reason).toBe('InsufficientCapacity');
  });
});

describe('stopped cells in hard times', () => {
  const tiers = { ...SPEC, tiers: ['running', 'stopped'], startupSla: { target: '20s' } };

  /** The next machine that is stopped takes as long as this. */
  function slowly(one: World) {
    const stopped = Promise.withResolvers<void>();
    const stop = one.stopMachine.getMockImplementation();
    one.stopMachine.mockImplementation(async (cellId) => {
      await stopped.promise;
      return (await stop?.(cellId)) as never;
    });
    return stopped;
  }

  test('one that is claimed while it stops is started after that', async () => {
    const { one, boot } = await opened('stopped', tiers);
    const stopped = slowly(one);
    for (const name of ['p', 'q']) one.pods.create(name);
    await soon(() => expect(one.startMachine).toHaveBeenCalledTimes(2));
    await soon(() => {
      boot();
      expect(unclaimed(one, 'stopped')).toHaveLength(2);
    });
    one.startMachine.mockClear();
    one.pods.create('r');
    await soon(() => expect(one.book.ofPod('uid-r')?.phase).toBe('booting'));
    const { cellId = '' } = one.book.ofPod('uid-r') ?? {};
    expect(one.startMachine).not.toHaveBeenCalled();
    stopped.resolve();
    await soon(() => expect(one.startMachine).toHaveBeenCalledWith(cellId, expect.anything()));
    expect(one.machines.get(cellId)?.state).toBe('running');
    one.report(cellId);
    await soon(() => expect(runs(one, 'r')).toBe(true));
  });

  test('what its kubelet says while it is switched off is not believed', async () => {
    const { one } = await opened('stopped', tiers);
    const [cell] = unclaimed(one, 'stopped');
    one.report(cell?.cellId ?? '');
    expect(cell?.kubeletReady).toBe(false);
  });

  test('one that can not be stopped ends, and another takes its place', async () => {
    const { one, boot } = await opened('stopped', tiers);
    one.stopMachine.mockRejectedValueOnce(
      new NodelessError({ code: 'Throttled', retryable: true, message: 'slow down' }),
    );
    one.stopMachine.mockClear();
    one.pods.create('p');
    await soon(() => {
      boot();
      const failed = one.stopMachine.mock.calls[0]?.[0] ?? '';
      expect(one.terminate).toHaveBeenCalledWith(failed, expect.anything());
      expect(one.book.get(failed)).toBeUndefined();
      expect(unclaimed(one, 'stopped')).toHaveLength(2);
    });
  });

  test('a pool that is deleted while its cells stop leaves nothing', async () => {
    const { one, boot } = await opened('stopped', tiers);
    const stopped = slowly(one);
    one.pods.create('p');
    await soon(() => {
      boot();
      expect(one.stopMachine).toHaveBeenCalledTimes(3);
    });
    deletePool(one);
    stopped.resolve();
    const { cellId = '' } = one.book.ofPod('uid-p') ?? {};
    await soon(() => expect([...one.machines.keys()]).toEqual([cellId]));
  });
});
