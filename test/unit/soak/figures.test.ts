import { expect, test } from 'vitest';
import { countObservation, emptyFigures, quantile, summaryOf } from '../../soak/figures.ts';
import { soakLimits } from '../../soak/invariants/all.ts';
import { parseLog, servedSinceMs } from '../../soak/provider-log.ts';
import { unsettled } from '../../soak/unsettled.ts';
import { apiOf, machineOf, podOf, sightOf } from './sights.ts';

test('a quantile is the value that so many do not exceed', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([quantile(values, 0.5), quantile(values, 0.99), quantile([], 0.5)]).toEqual([50, 99, undefined]);
});

test('a pod’s start is counted once, from its first sight until it is Ready', () => {
  const figures = emptyFigures();
  const pending = apiOf(podOf({ ready: false, phase: 'Pending' }));
  for (const [atMs, api] of [
    [100, pending],
    [400, apiOf(podOf())],
    [900, pending],
    [950, apiOf(podOf())],
  ] as const) {
    countObservation(figures, sightOf({ atMs, api }));
  }
  expect(figures.podStartMs).toEqual([300]);
  expect(
    summaryOf(figures, { seed: 7, startedAtMs: Date.now(), wantedKills: 0, limits: soakLimits(), violations: [] }),
  ).toMatchObject({
    seed: 7,
    podsCreated: 1,
    cellsLaunched: 1,
    podStartMs: { p50: 300, p99: 300 },
  });
});

test('a start is over when a log written since says so; lines cut short by a kill are passed over', () => {
  const line = (time: number, msg: string) => JSON.stringify({ level: 30, time, msg });
  const log = parseLog(`${line(50, 'the virtual node is served')}\n{"level":30,"ti\n${line(150, 'leading')}\n`);
  expect(servedSinceMs(log, 100)).toBeUndefined();
  expect(servedSinceMs(parseLog(line(170, 'the virtual node is served')), 100)).toBe(170);
});

test('what has settled has every pod Ready on the one cell that it names, and nothing else', () => {
  const rolledOut = {
    metadata: { name: 'web', generation: 2 },
    spec: { replicas: 1 },
    status: { observedGeneration: 2, replicas: 1, readyReplicas: 1, updatedReplicas: 1 },
  };
  expect(unsettled(sightOf(), [rolledOut])).toEqual([]);
  const stale = { ...rolledOut, status: { ...rolledOut.status, observedGeneration: 1 } };
  expect(unsettled(sightOf(), [stale])).toEqual(['deployment web is not rolled out']);
  for (const spoilt of [
    { machines: [] },
    { machines: [machineOf(), machineOf({ cellId: 'cell-b' })] },
    { machines: [machineOf({ state: 'ended' })] },
    { machines: [machineOf(), machineOf({ cellId: 'cell-b', podUid: '', ofPool: true })] },
    { api: { ...apiOf(podOf()), warmCells: 1 } },
    { namespaces: [] },
    { cgroups: ['cell-a', 'cell-b'] },
    { api: { ...apiOf(podOf()), cells: ['cell-a', 'cell-b'] } },
    { api: apiOf(podOf({ ready: false })) },
    { api: apiOf(podOf({ deleting: true })) },
  ]) {
    expect(unsettled(sightOf(spoilt), [])).not.toEqual([]);
  }
});
