import { pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Book } from '../../../src/cells/book.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { POLICY_ENFORCED_CONDITION } from '../../../src/core/names.ts';
import { Collection } from '../../../src/kube/collection.ts';
import { type NetworkPolicy, NetworkPolicyIndex } from '../../../src/kube/network-policy-index.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { NodePods } from '../../../src/pods/node-pods.ts';
import { watchPolicies } from '../../../src/pods/policy-watch.ts';
import { eagerClock } from '../../support/eager-clock.ts';

let revision = 10;
const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

/** A namespace with pods on cells, one with an enforcer, and what they are told. */
function rig(count = 1, pods = new NodePods()) {
  const clock = eagerClock();
  const book = new Book(clock);
  const networkPolicies = new Collection<NetworkPolicy>();
  networkPolicies.replace([], '1');
  const policies = new NetworkPolicyIndex(networkPolicies);
  const upstreamPods = new Collection<WirePod>();
  upstreamPods.replace([...pods.inNamespace('ns')], '1');
  const cellClasses = new Collection<KubeObject>();
  const stop = new AbortController();
  stops.push(stop);
  const world = {
    ...{ told: [] as string[], writes: [] as { uid: string; atMs: number }[], fails: false, failsOf: '' },
    guarded: new Set(['cell-guarded']),
  };
  const on = (name: string, app: string, phase = 'Running') => {
    const uid = `uid-${name}`;
    const metadata = { name, namespace: 'ns', uid, labels: { app }, resourceVersion: '1' };
    if (pods.get(uid) === undefined) pods.observe({ metadata, spec: { containers: [] }, status: { phase } } as never);
    book.add({ cellId: `cell-${name}`, podUid: uid, pod: `ns/${name}` }, 'running');
  };
  for (let index = 0; index < count; index += 1) on(`web-${index}`, 'web');
  on('guarded', 'web');
  on('other', 'other');
  on('done', 'web', 'Succeeded');
  void watchPolicies(
    {
      ...{ book, pods, networkPolicies, policies, clock, logger: pino({ level: 'silent' }), mayAct: () => true },
      ...{ upstreamPods, cellClasses },
      isEnforcedOn: ({ cellId }) => world.guarded.has(cellId),
      writer: {
        async patch(pod, build) {
          if (world.fails || pod.metadata.name === world.failsOf) throw new Error('no answer');
          world.writes.push({ uid: pod.metadata.uid ?? '', atMs: clock.now() });
          const { status } = build(clock.now()) as Pick<WirePod, 'status'>;
          revision += 1;
          const metadata = { ...pod.metadata, resourceVersion: String(revision) };
          return { ...pod, metadata, status: { ...pod.status, ...status } };
        },
      },
      events: { warning: (pod, reason, message) => void world.told.push(`${pod.metadata.name} ${reason}: ${message}`) },
    },
    stop.signal,
  );
  const policy = (name: string, app = 'web') => ({
    metadata: { name, namespace: 'ns', resourceVersion: String(revision++) },
    spec: { podSelector: { matchLabels: { app } } },
  });
  const conditionOf = (name: string) =>
    pods.get(`uid-${name}`)?.status?.conditions?.find(({ type }) => type === POLICY_ENFORCED_CONDITION)?.status;
  const relabel = (name: string, app: string) => {
    const pod = pods.get(`uid-${name}`) as WirePod;
    const known = { ...pod, metadata: { ...pod.metadata, resourceVersion: String(revision++) } };
    upstreamPods.apply('MODIFIED', known);
    const changed = { ...pod, metadata: { ...pod.metadata, labels: { app }, resourceVersion: String(revision++) } };
    pods.observe(changed);
    upstreamPods.apply('MODIFIED', changed);
  };
  const changeClass = () => {
    for (const pod of pods.inNamespace('ns')) upstreamPods.apply('ADDED', pod);
    cellClasses.apply('MODIFIED', { metadata: { name: 'guarded', resourceVersion: String(revision++) } });
  };
  return { world, pods, networkPolicies, policy, conditionOf, clock, stop, relabel, changeClass };
}

const later = (clock: Clock, ms: number) => {
  const endMs = clock.now() + ms;
  return vi.waitFor(() => expect(clock.now()).toBeGreaterThan(endMs));
};

describe('a NetworkPolicy that comes after the pods', () => {
  test('is told of once to each that it selects and on whose cell nothing enforces it', async () => {
    const { world, networkPolicies, policy, conditionOf, clock } = rig();
    networkPolicies.apply('ADDED', policy('deny'));
    await vi.waitFor(() => expect(conditionOf('web-0')).toBe('False'));
    networkPolicies.apply('MODIFIED', policy('deny'));
    networkPolicies.apply('ADDED', policy('more'));
    await later(clock, 60_000);
    expect(world.told).toEqual([expect.stringMatching(/^web-0 NotEnforced: NetworkPolicy deny selects the pod/)]);
    expect(['guarded', 'other', 'done'].map(conditionOf)).toEqual([undefined, undefined, undefined]);
  });

  test('is told of again by no leader that comes after, for the pod remembers it', async () => {
    const before = rig();
    before.networkPolicies.apply('ADDED', before.policy('deny'));
    await vi.waitFor(() => expect(before.conditionOf('web-0')).toBe('False'));
    before.stop.abort();
    const after = rig(1, before.pods);
    after.networkPolicies.apply('ADDED', after.policy('deny'));
    await later(after.clock, 60_000);
    expect([after.world.told, after.world.writes]).toEqual([[], []]);
  });

  test('is over when it is deleted, and one that comes then is told of', async () => {
    const { world, networkPolicies, policy, conditionOf } = rig();
    const deny = policy('deny');
    networkPolicies.apply('ADDED', deny);
    await vi.waitFor(() => expect(conditionOf('web-0')).toBe('False'));
    networkPolicies.apply('DELETED', deny);
    await vi.waitFor(() => expect(conditionOf('web-0')).toBe('True'));
    networkPolicies.apply('ADDED', policy('again'));
    await vi.waitFor(() => expect(world.told).toHaveLength(2));
  });

  test('that is gone when another leads is over for the pods that were told of it', async () => {
    const before = rig();
    before.networkPolicies.apply('ADDED', before.policy('deny'));
    await vi.waitFor(() => expect(before.conditionOf('web-0')).toBe('False'));
    before.stop.abort();
    const after = rig(1, before.pods);
    await vi.waitFor(() => expect(after.conditionOf('web-0')).toBe('True'));
  });

  test('is told of to a pod that gets its labels later, and is over when it loses them', async () => {
    const { networkPolicies, policy, conditionOf, clock, relabel } = rig();
    networkPolicies.apply('ADDED', policy('deny'));
    await vi.waitFor(() => expect(conditionOf('web-0')).toBe('False'));
    await later(clock, 10_000);
    relabel('other', 'web');
    await vi.waitFor(() => expect(conditionOf('other')).toBe('False'));
    relabel('other', 'other');
    await vi.waitFor(() => expect(conditionOf('other')).toBe('True'));
  });

  test('is told of where a CellClass loses what enforced it', async () => {
    const { world, networkPolicies, policy, conditionOf, clock, changeClass } = rig();
    networkPolicies.apply('ADDED', policy('deny'));
    await vi.waitFor(() => expect(conditionOf('web-0')).toBe('False'));
    await later(clock, 10_000);
    world.guarded.clear();
    changeClass();
    await vi.waitFor(() => expect(conditionOf('guarded')).toBe('False'));
  });

  test('is told to a large namespace a few pods at a time, and to all', async () => {
    const { world, networkPolicies, policy } = rig(50);
    networkPolicies.apply('ADDED', policy('deny'));
    await vi.waitFor(() => expect(world.told).toHaveLength(50));
    const atOnce = [...Map.groupBy(world.writes, ({ atMs }) => atMs).values()].map(({ length }) => length);
    expect(atOnce).toEqual([20, 20, 10]);
  });

  test('is told to all others of its namespace where one pod can not be told', async () => {
    const { world, networkPolicies, policy, clock } = rig(30);
    world.failsOf = 'web-3';
    networkPolicies.apply('ADDED', policy('deny'));
    await vi.waitFor(() => expect(world.told).toHaveLength(29), 5_000);
    await later(clock, 10_000);
    world.failsOf = '';
    await vi.waitFor(() => expect(world.told).toHaveLength(30), 5_000);
  });

  test('is told of later where it can not be written now', async () => {
    const { world, networkPolicies, policy, clock } = rig();
    world.fails = true;
    networkPolicies.apply('ADDED', policy('deny'));
    await later(clock, 10_000);
    expect(world.told).toEqual([]);
    world.fails = false;
    await vi.waitFor(() => expect(world.told).toHaveLength(1));
  });
});
