import { pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import { NODE_GROUPS, nodeUser } from '../../../src/core/names.ts';
import { Collection } from '../../../src/kube/collection.ts';
import { hasCondition, type KubeObject } from '../../../src/kube/objects.ts';
import type { VirtualNodeSpec } from '../../../src/virtual-node/node-object.ts';
import { register, runVirtualNode, type VirtualNodeOptions } from '../../../src/virtual-node/virtual-node.ts';
import { nodeServer } from './node-server.ts';

const TAINT = { key: 'virtual-kubelet.io/provider', value: 'local', effect: 'NoSchedule' };
const CORDON = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

const spec: VirtualNodeSpec = {
  name: 'big',
  group: 'big',
  providerId: 'nodeless://uid/big',
  capacity: { cpu: '1024' },
  labels: { 'node-role.kubernetes.io/cells': '', team: 'a' },
  taints: [TAINT],
  address: '10.0.0.1',
  kubeletPort: 10_250,
  kubeletVersion: 'v1.34.4',
  arch: 'amd64',
};

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Time in which `msPerSleep` real milliseconds pass for each wait, however long. */
function quickClock(msPerSleep: number): Clock {
  let nowMs = Date.parse('2026-01-01T00:00:00Z');
  return {
    now: () => nowMs,
    async sleep(ms, signal) {
      await systemClock.sleep(msPerSleep, signal);
      nowMs += ms;
    },
  };
}

async function rig(clock: Clock = quickClock(1)) {
  const { client, close, state } = await nodeServer();
  cleanups.push(close);
  const nodes = new Collection<KubeObject>();
  const options: VirtualNodeOptions = {
    spec,
    client,
    nodeClient: client.as({ user: nodeUser(spec.name), groups: [...NODE_GROUPS] }),
    nodes,
    clock,
    logger: pino({ level: 'silent' }),
  };
  const stop = new AbortController();
  cleanups.push(() => stop.abort());
  return { options, state, nodes, signal: stop.signal, stop };
}

function uidOf({ node }: { readonly node: KubeObject | undefined }): unknown {
  return node?.metadata.uid;
}

function taintsOf(node: KubeObject | undefined): unknown {
  return (node?.spec as { taints?: unknown } | undefined)?.taints;
}

describe('registering the virtual node', () => {
  test('it is created with the user’s labels, those too that a node may not give itself', async () => {
    const { options, state, signal } = await rig();
    expect(await register(options, signal)).toBe(true);
    expect(state.node?.metadata.labels).toMatchObject({ ...spec.labels, type: 'virtual-kubelet' });
    expect(taintsOf(state.node)).toEqual([TAINT]);
    expect(state.node?.status).toMatchObject({ capacity: { cpu: '1024' } });
  });

  test('the taints, labels and capacity of others are kept', async () => {
    const { options, state, signal } = await rig();
    await register(options, signal);
    state.write({
      metadata: { labels: { theirs: 'kept', team: 'changed' } },
      spec: { taints: [CORDON] },
      status: { capacity: { 'example.com/dongle': '3' } },
    });
    expect(await register(options, signal)).toBe(true);
    expect(state.node?.metadata.labels).toMatchObject({ theirs: 'kept', team: 'a' });
    expect(taintsOf(state.node)).toEqual([CORDON, TAINT]);
    expect(state.node?.status).toMatchObject({ capacity: { cpu: '1024', 'example.com/dongle': '3' } });
  });

  test('labels and taints that stand are not written again', async () => {
    const { options, state, signal } = await rig();
    await register(options, signal);
    state.seen.length = 0;
    expect(await register(options, signal)).toBe(true);
    expect(state.seen).toEqual(['node GET /api/v1/nodes/big', 'node PATCH /api/v1/nodes/big/status']);
  });

  test('a taint that comes between the read and the write is not lost: it says that it must be repeated', async () => {
    const { options, state, signal } = await rig();
    await register(options, signal);
    state.write({ spec: { taints: [] } });
    state.afterRead = () => {
      state.write({ spec: { taints: [CORDON] } });
      state.afterRead = undefined;
    };
    expect(await register(options, signal)).toBe(false);
    expect(taintsOf(state.node)).toEqual([CORDON]);
    expect(await register(options, signal)).toBe(true);
    expect(taintsOf(state.node)).toEqual([CORDON, TAINT]);
  });
});

describe('keeping the virtual node', () => {
  /** Feeds the collection what the server has. */
  function sync(nodes: Collection<KubeObject>, node: KubeObject | undefined): void {
    nodes.replace(node === undefined ? [] : [node], node?.metadata.resourceVersion ?? '1');
  }

  test('a node that is deleted is registered again at once', async () => {
    // A wait never ends by itself: only the deletion can wake it.
    const { options, state, nodes, signal, stop } = await rig(quickClock(600_000));
    const running = runVirtualNode(options, signal);
    await vi.waitFor(() => expect(state.node?.status).toBeDefined());
    const first = state.node as KubeObject;
    sync(nodes, first);
    state.node = undefined;
    nodes.apply('DELETED', first);
    await vi.waitFor(() => expect(uidOf(state)).not.toBeOneOf([undefined, first.metadata.uid]));
    stop.abort();
    await running;
  });

  test('a node that is made not Ready is Ready again at once', async () => {
    const { options, state, nodes, signal, stop } = await rig(quickClock(600_000));
    const running = runVirtualNode(options, signal);
    await vi.waitFor(() => expect(state.node?.status).toBeDefined());
    sync(nodes, state.node);
    // The clock stands still while nothing sleeps to its end; the write lies a while back.
    vi.spyOn(options.clock, 'now').mockReturnValue(options.clock.now() + 60_000);
    const unknown = { conditions: [{ type: 'Ready', status: 'Unknown' }] };
    nodes.apply('MODIFIED', state.write({ status: unknown }));
    expect(hasCondition(state.node, 'Ready')).toBe(false);
    await vi.waitFor(() => expect(hasCondition(state.node, 'Ready')).toBe(true));
    stop.abort();
    await running;
  });

  test('the status is written once in five minutes', async () => {
    let waits = 0;
    const clock = quickClock(1);
    const counting: Clock = {
      now: clock.now,
      sleep(ms, signal) {
        waits += 1;
        return clock.sleep(ms, signal);
      },
    };
    const { options, state, nodes, signal, stop } = await rig(counting);
    const running = runVirtualNode(options, signal);
    await vi.waitFor(() => expect(state.node).toBeDefined());
    sync(nodes, state.node);
    await vi.waitFor(() => expect(waits).toBeGreaterThanOrEqual(75));
    stop.abort();
    await running;
    const rounds = Math.ceil(waits / 30);
    expect(state.seen.filter((line) => line.endsWith('/status')).length).toBeOneOf([rounds - 1, rounds, rounds + 1]);
  });

  test('a conflict is repeated at the next tick', async () => {
    const { options, state, nodes, signal, stop } = await rig();
    state.write({ metadata: { name: 'big' } });
    state.afterRead = () => {
      state.write({ spec: { taints: [CORDON] } });
      state.afterRead = undefined;
    };
    sync(nodes, state.node);
    const running = runVirtualNode(options, signal);
    await vi.waitFor(() => expect(taintsOf(state.node)).toEqual([CORDON, TAINT]));
    stop.abort();
    await running;
    const [refused, written] = state.seen.flatMap((line, index) => (line.startsWith('provider PATCH') ? [index] : []));
    // Each round writes the status once: the next one came at the next tick, not five minutes later.
    expect(state.seen.slice(refused, written).filter((line) => line.endsWith('/status'))).toHaveLength(1);
  });

  test('errors of the API server are waited out, and the node is written when they end', async () => {
    const { options, state, signal, stop } = await rig();
    state.down = true;
    const running = runVirtualNode(options, signal);
    await vi.waitFor(() => expect(state.seen.length).toBeGreaterThan(5));
    expect(state.node).toBeUndefined();
    state.down = false;
    await vi.waitFor(() => expect(state.node?.status).toBeDefined());
    stop.abort();
    await running;
  });
});
