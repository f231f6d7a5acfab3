import fc from 'fast-check';
import { Registry } from 'prom-client';
import { beforeEach, describe, expect, test } from 'vitest';
import { metrics } from '../../../src/config/metrics-fields.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { Collection } from '../../../src/kube/collection.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { observeAlternatives } from '../../../src/pods/alternative-metrics.ts';
import { Alternatives, machinesFor } from '../../../src/pods/alternatives.ts';
import { samplesOf } from '../../support/samples.ts';

const GiB = 2 ** 30;
const PRICES = metrics.parse({
  alternatives: {
    fargate: { cpuPerHourUsd: 1, memoryGibPerHourUsd: 0 },
    fixedPool: { machine: { cpu: '2', memory: '8Gi' }, pricePerHourUsd: 10 },
  },
}).alternatives;

describe('what pods would cost elsewhere', () => {
  test.each([
    [0, 0, 0],
    [1, 0, 1],
    [2_000, 8 * GiB, 1],
    [2_001, 0, 2],
    [1_000, 17 * GiB, 3],
  ])('%i mCPU and %i bytes are held by %i machines of 2 CPUs and 8 GiB', (cpuMilli, memoryBytes, machines) => {
    expect(machinesFor({ cpuMilli, memoryBytes }, { cpuMilli: 2_000, memoryBytes: 8 * GiB })).toBe(machines);
  });

  test('on Fargate it is the sum over what runs, in whichever order pods came, changed and went', () => {
    const step = fc.record({ uid: fc.constantFrom('a', 'b', 'c'), cpuMilli: fc.nat(9_000), ends: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const all = new Alternatives(PRICES);
        const last = new Map<string, number>();
        for (const { uid, cpuMilli, ends } of steps) {
          if (ends) {
            all.ended(uid);
            last.delete(uid);
          } else {
            all.runs(uid, { cpuMilli, memoryBytes: 0 });
            last.set(uid, cpuMilli);
          }
        }
        const alone = [...last].map(([uid, cpuMilli]) => {
          const one = new Alternatives(PRICES);
          one.runs(uid, { cpuMilli, memoryBytes: 0 });
          return one.now.fargate;
        });
        expect(all.now.fargate).toBeCloseTo(
          alone.reduce((sum, usd) => sum + usd, 0),
          6,
        );
      }),
    );
  });

  test('a fixed pool stays as large as it once had to be', () => {
    const all = new Alternatives(PRICES);
    for (const uid of ['a', 'b', 'c']) all.runs(uid, { cpuMilli: 2_000, memoryBytes: 0 });
    expect(all.now['fixed-pool']).toBe(30);
    for (const uid of ['a', 'b', 'c']) all.ended(uid);
    expect(all.now).toEqual({ fargate: 0, 'fixed-pool': 30 });
  });
});

describe('the series of alternatives', () => {
  let nowMs = 0;
  let pods: Collection<WirePod>;
  let registry: Registry;
  let revision = 0;
  const observe = () =>
    observeAlternatives({ pods, registry, clock: { now: () => nowMs, sleep: systemClock.sleep }, prices: PRICES });
  const samples = (name: string) => samplesOf(registry, `nodeless_alternative_${name}`);

  beforeEach(() => {
    nowMs = 1_000_000;
    pods = new Collection<WirePod>();
    registry = new Registry();
  });

  function put(name: string, { ready = 'True', phase = 'Running', cpu = '1' } = {}): WirePod {
    revision += 1;
    const pod = {
      metadata: { name, namespace: 'ns', uid: name, resourceVersion: String(revision) },
      spec: { containers: [{ name: 'c', resources: { requests: { cpu } } }] },
      status: {
        phase,
        conditions: [{ type: 'nodeless.io/CellReady', status: ready === 'True' ? 'True' : 'False', reason: ready }],
      },
    } as unknown as WirePod;
    pods.apply(pods.get('ns', name) === undefined ? 'ADDED' : 'MODIFIED', pod);
    return pod;
  }

  test('count a pod from when it is on its cell until it has ended', async () => {
    observe();
    put('a', { ready: 'Launching' });
    nowMs += 3_600_000;
    put('a');
    nowMs += 3_600_000;
    put('a', { phase: 'Succeeded' });
    nowMs += 3_600_000;
    expect(await samples('cost_dollars_total')).toEqual({ 'alternative=fargate': 1, 'alternative=fixed-pool': 20 });
    expect(await samples('price_dollars_per_hour')).toEqual({ 'alternative=fargate': 0, 'alternative=fixed-pool': 10 });
  });

  test('leave out agents, and what is only reported Ready; count what was there before, until it is deleted', async () => {
    put('agent', { ready: 'Injected' });
    put('broken', { cpu: 'much' });
    const old = put('old', { cpu: '3' });
    observe();
    // What can't be read asks for nothing, and has Fargate's smallest task.
    expect(await samples('price_dollars_per_hour')).toEqual({
      'alternative=fargate': 4.25,
      'alternative=fixed-pool': 20,
    });
    pods.apply('DELETED', old);
    expect(await samples('price_dollars_per_hour')).toEqual({
      'alternative=fargate': 0.25,
      'alternative=fixed-pool': 20,
    });
  });
});
