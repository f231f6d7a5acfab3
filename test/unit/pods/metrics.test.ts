import { Registry } from 'prom-client';
import { beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { Collection } from '../../../src/kube/collection.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { showCapacity } from '../../../src/pods/capacity-metrics.ts';
import { observePods } from '../../../src/pods/metrics.ts';
import { samplesOf } from '../../support/samples.ts';

const CREATED = '2026-01-01T00:00:00Z';
const CREATED_MS = Date.parse(CREATED);

describe('the series of pods', () => {
  let nowMs = CREATED_MS;
  let pods: Collection<WirePod>;
  let registry: Registry;
  let revision = 1;

  beforeEach(() => {
    nowMs = CREATED_MS;
    pods = new Collection<WirePod>();
    registry = new Registry();
  });

  const observe = () => observePods({ pods, registry, clock: { now: () => nowMs, sleep: systemClock.sleep } });

  function put(name: string, conditions: Readonly<Record<string, 'True' | string>> = {}, more: object = {}): WirePod {
    revision += 1;
    const pod = {
      metadata: {
        name,
        namespace: 'ns',
        uid: name,
        creationTimestamp: CREATED,
        resourceVersion: String(revision),
        ...more,
      },
      spec: { containers: [] },
      status: {
        phase: 'Pending',
        conditions: Object.entries(conditions).map(([type, word]) =>
          word === 'True' ? { type, status: 'True' } : { type, status: 'False', reason: word, message: word },
        ),
      },
    } as unknown as WirePod;
    pods.apply(pods.get('ns', name) === undefined ? 'ADDED' : 'MODIFIED', pod);
    return pod;
  }

  const startsOf = async () => {
    const [count] = Object.values(await samplesOf(registry, 'nodeless_pod_start_seconds_count'));
    const [sum] = Object.values(await samplesOf(registry, 'nodeless_pod_start_seconds_sum'));
    return [count ?? 0, sum ?? 0];
  };

  test('a start is measured once, from creation to the first sight of Ready', async () => {
    observe();
    put('a');
    nowMs += 4_000;
    put('a', { Ready: 'True' });
    nowMs += 60_000;
    put('a', { Ready: 'ContainersNotReady' });
    put('a', { Ready: 'True' });
    expect(await startsOf()).toEqual([1, 4]);
  });

  test('a pod of the same name that comes later is another', async () => {
    observe();
    const first = put('a', { Ready: 'True' });
    pods.apply('DELETED', first);
    nowMs += 2_000;
    put('a', { Ready: 'True' });
    expect(await startsOf()).toEqual([2, 2]);
  });

  test('what had its cell before, agents, and what is only reported Ready tell nothing of a start', async () => {
    put('old', { Ready: 'NodeNotReady', 'nodeless.io/CellReady': 'True' });
    observe();
    put('old', { Ready: 'True', 'nodeless.io/CellReady': 'True' });
    put('agent', { Ready: 'True', 'nodeless.io/CellReady': 'Injected' });
    put('absorbed', { Ready: 'True', ContainersReady: 'True', 'nodeless.io/CellReady': 'Absorbed' });
    expect(await startsOf()).toEqual([0, 0]);
  });

  test('what the node advertises stands beside what its pods request', async () => {
    showCapacity({ pods, registry, capacity: { cpu: '1024', memory: '4Ti', 'nvidia.com/gpu': '10', pods: '1k' } });
    expect(await samplesOf(registry, 'nodeless_node_allocatable')).toEqual({
      'resource=cpu': 1024,
      'resource=memory': 4 * 2 ** 40,
      'resource=nvidia.com/gpu': 10,
      'resource=pods': 1_000,
    });
    const requesting = (requests: Readonly<Record<string, string>>) => ({
      spec: { containers: [{ name: 'c', resources: { requests } }] },
    });
    Object.assign(
      put('a'),
      requesting({ cpu: '250m', memory: '1Gi', 'nvidia.com/gpu': '1', 'example.com/made-up': '9' }),
    );
    Object.assign(put('b'), requesting({ cpu: '1' }));
    Object.assign(put('broken'), requesting({ cpu: 'much' }));
    Object.assign(put('done'), requesting({ cpu: '7' }), { status: { phase: 'Succeeded' } });
    expect(await samplesOf(registry, 'nodeless_node_requested')).toEqual({
      'resource=cpu': 1.25,
      'resource=memory': 2 ** 30,
      'resource=nvidia.com/gpu': 1,
      'resource=pods': 3,
    });
  });

  test('who has no cell is counted by why, with the age of the oldest', async () => {
    observe();
    put('new');
    put('poor', { 'nodeless.io/CellReady': 'BudgetExceeded' });
    put('served', { 'nodeless.io/CellReady': 'True' });
    put('agent', { 'nodeless.io/CellReady': 'Injected' });
    put('leaving', { 'nodeless.io/CellReady': 'NoOffering' }, { deletionTimestamp: CREATED });
    nowMs += 9_000;
    expect(await samplesOf(registry, 'nodeless_pods_waiting')).toEqual({
      'reason=Starting': 1,
      'reason=BudgetExceeded': 1,
    });
    expect(await samplesOf(registry, 'nodeless_pods_waiting_oldest_seconds')).toEqual({
      'reason=Starting': 9,
      'reason=BudgetExceeded': 9,
    });
    put('poor', { 'nodeless.io/CellReady': 'True' });
    expect(await samplesOf(registry, 'nodeless_pods_waiting')).toEqual({ 'reason=Starting': 1 });
  });
});
