import { pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Clock } from '../../../src/core/clock.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { NodePods } from '../../../src/pods/node-pods.ts';
import { watchZone } from '../../../src/pods/zone-watch.ts';
import { eagerClock } from '../../support/eager-clock.ts';

const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

const CONTROLLER = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'r', controller: true }];

function refusedPod(uid: string, ownerReferences: readonly object[] = CONTROLLER): WirePod {
  const conditions = [
    { type: 'PodScheduled', status: 'True', lastTransitionTime: '1970-01-01T00:00:00Z' },
    { type: 'nodeless.io/CellReady', status: 'False', reason: 'InsufficientCapacity' },
  ];
  const metadata = { name: uid, namespace: 'ns', uid, resourceVersion: '1', ownerReferences };
  return { metadata, spec: { containers: [] }, status: { phase: 'Pending', conditions } } as unknown as WirePod;
}

/** A watch over a zone whose cloud has nothing, on a clock that runs as fast as it is waited for. */
function rig({ isMarked = false, others = 1, mayAct = true, mayDelete = true } = {}) {
  const clock = eagerClock();
  const world = {
    isMarked,
    mayAct,
    marks: [] as boolean[],
    deleted: [] as { uid: string; atMs: number; exclusive: boolean | undefined }[],
    told: [] as string[],
    unavailable: 10,
    counted: 0,
    lastLaunchMs: undefined as number | undefined,
    shutOut: [] as string[],
    markedAtMs: [] as number[],
    onMark: (_exhausted: boolean): void => undefined,
    pods: new NodePods(),
    uids: new Set<string>(),
    add(pod: WirePod) {
      world.pods.observe(pod);
      world.uids.add(pod.metadata.uid ?? '');
    },
  };
  const elsewhere = Array.from({ length: others }, (_, index) => ({ name: `n-${index}`, labels: {} }));
  const stop = new AbortController();
  stops.push(stop);
  void watchZone(
    {
      zone: 'a',
      pods: world.pods,
      waiting: () => world.uids,
      placement: { stock: async () => ({ offerings: 10, unavailable: world.unavailable }) },
      experience: {
        get lastLaunchMs() {
          return world.lastLaunchMs;
        },
      },
      mark: {
        isSet: () => world.isMarked,
        async set(exhausted) {
          world.marks.push(exhausted);
          world.markedAtMs.push(clock.now());
          world.isMarked = exhausted;
          world.onMark(exhausted);
        },
      },
      shutOut: () => world.shutOut,
      elsewhere: () => elsewhere,
      writer: {
        async delete(pod, _signal, more) {
          const uid = pod.metadata.uid ?? '';
          world.deleted.push({ uid, atMs: clock.now(), exclusive: more?.exclusive });
          if (!mayDelete) return false;
          world.pods.remove(pod);
          world.uids.delete(uid);
          return true;
        },
      },
      events: {
        normal: (pod, reason) => void world.told.push(`${pod.metadata.name} ${reason}`),
        warning: (pod, reason, message) => void world.told.push(`${pod.metadata.name} ${reason}: ${message}`),
      },
      onRescheduled: () => {
        world.counted += 1;
      },
      rescheduleAfterMs: 30_000,
      recoverAfterMs: 60_000,
      clock,
      mayAct: () => world.mayAct,
      logger: pino({ level: 'silent' }),
    },
    stop.signal,
  );
  return { ...world, world, clock };
}

const later = (clock: Clock, ms: number) => vi.waitFor(() => expect(clock.now()).toBeGreaterThan(ms));

describe('a zone without capacity', () => {
  test('is marked, and its pods are made again elsewhere, a few at a time, no sooner than they may be', async () => {
    const { add, world } = rig();
    for (let index = 0; index < 12; index += 1) add(refusedPod(`p${index}`));
    await vi.waitFor(() => expect(world.deleted).toHaveLength(12));
    expect(world.marks).toEqual([true]);
    expect(world.deleted.every(({ exclusive }) => exclusive)).toBe(true);
    expect(Math.min(...world.deleted.map(({ atMs }) => atMs))).toBeGreaterThanOrEqual(30_000);
    const atOnce = [...Map.groupBy(world.deleted, ({ atMs }) => atMs).values()].map(({ length }) => length);
    expect(atOnce).toEqual([5, 5, 2]);
    expect(world.told).toContain('p0 Rescheduled');
    expect(world.counted).toBe(12);
  });

  test('has nothing deleted when no other zone takes pods, and says so once', async () => {
    const { add, world, clock } = rig({ others: 0 });
    add(refusedPod('p'));
    await later(clock, 300_000);
    expect(world.deleted).toEqual([]);
    expect(world.told).toEqual([
      'p NotRescheduled: zone a has no capacity, and the pod waits for it: no other zone takes pods now',
    ]);
  });

  test('keeps a pod that nobody would make again, and tells it once', async () => {
    const { add, world, clock } = rig();
    add(refusedPod('bare', []));
    await later(clock, 300_000);
    expect(world.deleted).toEqual([]);
    expect(world.told).toHaveLength(1);
    expect(world.told[0]).toMatch(/^bare NotRescheduled: .*no controller would make another pod of it/);
  });

  test('says nothing of a pod that has got its cell at the last moment', async () => {
    const { add, world, clock } = rig({ mayDelete: false });
    add(refusedPod('p'));
    await later(clock, 60_000);
    expect(world.deleted.length).toBeGreaterThan(1);
    expect([world.told, world.counted]).toEqual([[], 0]);
  });

  test('gets pods again as soon as a launch goes well', async () => {
    const { add, world, clock } = rig();
    add(refusedPod('bare', []));
    await vi.waitFor(() => expect(world.isMarked).toBe(true));
    world.uids.clear();
    world.lastLaunchMs = clock.now() + 1;
    await vi.waitFor(() => expect(world.marks).toEqual([true, false]));
  });

  test('that a leader before has marked is left alone for a while, and then gets pods again', async () => {
    const { world, clock } = rig({ isMarked: true });
    world.unavailable = 0;
    await vi.waitFor(() => expect(world.marks).toEqual([false]));
    expect(clock.now()).toBeGreaterThanOrEqual(60_000);
  });

  test('is left as it is by who may not act', async () => {
    const { add, world, clock } = rig({ mayAct: false });
    add(refusedPod('p'));
    await later(clock, 300_000);
    expect([world.marks, world.deleted]).toEqual([[], []]);
  });

  test('is unmarked for the moment in which an agent that does not tolerate the mark gets its pod', async () => {
    const { add, world, clock } = rig();
    // Its pod is replaced while the zone is marked, and made anew as soon as it is not.
    world.onMark = (exhausted) => {
      world.shutOut = exhausted && world.marks.length === 1 ? ['kube-system/agent'] : [];
    };
    add(refusedPod('bare', []));
    await later(clock, 300_000);
    expect(world.marks).toEqual([true, false, true]);
    const [on = 0, off = 0, again = 0] = world.markedAtMs;
    expect([off - on, again - off]).toEqual([2_000, 2_000]);
  });

  test('is marked again though an agent gets no pod, and tries again later; nothing is sent elsewhere meanwhile', async () => {
    const { add, world } = rig();
    world.shutOut = ['kube-system/agent'];
    add(refusedPod('p'));
    await vi.waitFor(() => expect(world.marks.length).toBeGreaterThanOrEqual(3));
    expect(world.marks.slice(0, 3)).toEqual([true, false, true]);
    const [on = 0, off = 0, again = 0] = world.markedAtMs;
    expect(on).toBeLessThanOrEqual(12_000);
    expect(again - off).toBe(10_000);
    expect(off - on).toBeGreaterThanOrEqual(48_000);
  });
});
