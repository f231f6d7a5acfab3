import { afterEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { NodelessError } from '../../../src/core/errors.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';
import { statusOf } from '../../../src/warm-pool/status.ts';
import { offering, world } from '../pods/world.ts';

type World = ReturnType<typeof world>;

const worlds: World[] = [];
afterEach(() => {
  for (const { stop } of worlds.splice(0)) stop.abort();
});

function soon(check: () => void): Promise<void> {
  return vi.waitFor(check, 15_000);
}

/** Stopped cells keep this SLA, by what is assumed of simulated ones; cold starts do not. */
const SPEC = {
  shape: { cpu: '500m', memory: '512Mi' },
  startupSla: { target: '20s' },
  tiers: ['running', 'stopped'],
  min: 2,
  max: 2,
};

function opened(spec: object = SPEC, remains?: World, canStop = true): World {
  const one = world([offering('small', 1)], remains, 60_000, 'node-cell', 50, systemClock, canStop);
  worlds.push(one);
  const metadata = { name: 'web', uid: 'pool-web', resourceVersion: '11' };
  one.warmPools.apply('ADDED', { apiVersion: 'nodeless.io/v1alpha1', kind: 'WarmPool', metadata, spec } as KubeObject);
  one.start();
  return one;
}

const inPhase = ({ book }: World, phase: string) => [...book.cells()].filter((cell) => cell.phase === phase);
const unclaimed = (one: World, phase: string) => inPhase(one, phase).filter(({ podUid }) => podUid === '');

/** Brings the kubelets of all cells that boot for nobody up until so many are stopped. */
async function withStopped(count: number, one = opened()): Promise<World> {
  await soon(() => {
    for (const { cellId } of unclaimed(one, 'booting')) one.report(cellId);
    expect(unclaimed(one, 'stopped')).toHaveLength(count);
  });
  return one;
}

function status(one: World) {
  const kept = one.keeper.pool('pool-web');
  if (kept === undefined) throw new Error('there is no pool');
  const context = { nowMs: Date.now(), generation: 1, canClaim: true, pullsImages: false, before: [] };
  return statusOf(kept, undefined, context);
}

describe('the stopped tier of a pool', () => {
  test('has its cells stopped once they are ready, where stopped ones keep the SLA; more are not bought', async () => {
    const one = await withStopped(2);
    await soon(() => expect([...one.machines.values()].map(({ state }) => state)).toEqual(['stopped', 'stopped']));
    await one.keeper.pool('pool-web')?.tick();
    expect(one.launch).toHaveBeenCalledTimes(2);
    expect(status(one)).toMatchObject({ stopped: 2, ready: 0, pricePerHourUsd: '0.0000' });
    expect(status(one).conditions).toContainEqual(
      expect.objectContaining({ type: 'StoppedTier', status: 'True', message: '2 of 2 cells are stopped' }),
    );
  });

  test('gives a pod a cell that is stopped and starts it, and orders another in the same moment', async () => {
    const one = await withStopped(2);
    const ids = unclaimed(one, 'stopped').map(({ cellId }) => cellId);
    one.pods.create('p');
    await soon(() => expect(one.book.ofPod('uid-p')?.phase).toBe('booting'));
    const { cellId = '' } = one.book.ofPod('uid-p') ?? {};
    expect(ids).toContain(cellId);
    await soon(() => expect(one.startMachine).toHaveBeenCalledWith(cellId, expect.anything()));
    expect(one.book.ofPod('uid-p')?.members.get('uid-p')?.handedOver).toBe(false);
    one.report(cellId);
    await soon(() => expect(one.book.ofPod('uid-p')?.members.get('uid-p')?.handedOver).toBe(true));
    expect(one.machines.get(cellId)?.tags.podUid).toBe('uid-p');
    const claimed = one.pods.events.find(({ reason }) => reason === 'CellClaimed');
    expect(claimed?.message).toContain('which was stopped and boots again');
    await withStopped(2, one);
    expect(one.launch).toHaveBeenCalledTimes(3);
  });

  test('is found again after a restart: nothing is bought anew, started or ended', async () => {
    const one = await withStopped(2);
    one.stop.abort();
    const again = opened(SPEC, one);
    await soon(() => expect(again.keeper.pool('pool-web')?.demand.isKnown).toBe(true));
    await again.keeper.pool('pool-web')?.tick();
    expect(unclaimed(again, 'stopped')).toHaveLength(2);
    for (const call of [again.launch, again.startMachine, again.terminate]) expect(call).not.toHaveBeenCalled();
  });

  test('leaves a pod to a new cell where its machine can not be started', async () => {
    const one = await withStopped(2);
    one.startMachine.mockRejectedValue(new NodelessError({ code: 'InsufficientCapacity', message: 'none is left' }));
    one.pods.create('p');
    await soon(() => expect(one.pods.events.map(({ reason }) => reason)).toContain('CellReplaced'));
    await soon(() => expect(one.launch.mock.calls.map(([{ tags }]) => tags.podUid)).toContain('uid-p'));
    expect(one.book.ofPod('uid-p')?.enteredMs.stopped).toBeUndefined();
  });

  test('gives no cell twice whose claim the provider did not live to finish', async () => {
    const one = await withStopped(1, opened({ ...SPEC, min: 1 }));
    const [{ cellId = '' } = {}] = unclaimed(one, 'stopped');
    one.stop.abort();
    const machine = one.machines.get(cellId);
    if (machine === undefined) throw new Error('there is no machine');
    // It was written whose it is, and it was not started.
    one.machines.set(cellId, { ...machine, tags: { ...machine.tags, pod: 'ns/p', podUid: 'uid-p' } });
    one.pods.create('q');
    const again = opened({ ...SPEC, min: 1 }, one);
    await soon(() => expect(again.book.ofPod('uid-q')).toBeDefined());
    expect(again.book.ofPod('uid-q')?.cellId).not.toBe(cellId);
    expect(again.book.get(cellId)).toBeUndefined();
  });

  test('is skipped where the provider has none, which the pool says', async () => {
    const one = opened(SPEC, undefined, false);
    await soon(() => {
      for (const { cellId } of unclaimed(one, 'booting')) one.report(cellId);
      expect(unclaimed(one, 'ready')).toHaveLength(2);
    });
    await one.keeper.pool('pool-web')?.tick();
    expect(one.stopMachine).not.toHaveBeenCalled();
    expect(status(one).conditions).toContainEqual(
      expect.objectContaining({ type: 'StoppedTier', status: 'False', reason: 'NotSupported' }),
    );
  });

  test('has cells that run where stopped ones are too slow for the SLA', async () => {
    const one = opened({ ...SPEC, startupSla: { target: '5s' } });
    await soon(() => {
      for (const { cellId } of unclaimed(one, 'booting')) one.report(cellId);
      expect(unclaimed(one, 'ready')).toHaveLength(2);
    });
    await one.keeper.pool('pool-web')?.tick();
    expect(unclaimed(one, 'ready')).toHaveLength(2);
  });

  test('leaves nothing when its pool is deleted', async () => {
    const one = await withStopped(2);
    one.warmPools.apply('DELETED', { metadata: { name: 'web', uid: 'pool-web', resourceVersion: '12' } } as KubeObject);
    await soon(() => expect(one.machines.size).toBe(0));
    await soon(() => expect(one.book.size).toBe(0));
  });

  test('loses a cell whose machine the cloud ends, and has another instead', async () => {
    const one = await withStopped(2);
    const [first] = unclaimed(one, 'stopped');
    if (first !== undefined) void one.fleet.lose(first, 'its machine ended');
    await soon(() => expect(one.book.get(first?.cellId ?? '')).toBeUndefined());
    await withStopped(2, one);
    expect(one.launch).toHaveBeenCalledTimes(3);
  });
});
