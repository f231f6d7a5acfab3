import { describe, expect, test } from 'vitest';
import { allInvariants, soakLimits } from '../../soak/invariants/all.ts';
import { cellsHaveReasons } from '../../soak/invariants/cells-have-reasons.ts';
import { lostCellsAreTold } from '../../soak/invariants/lost-cells-are-told.ts';
import { nodeStaysReady } from '../../soak/invariants/node-stays-ready.ts';
import { nothingIsTwice } from '../../soak/invariants/nothing-is-twice.ts';
import { oneMachinePerPod } from '../../soak/invariants/one-machine-per-pod.ts';
import { onePodPerCell } from '../../soak/invariants/one-pod-per-cell.ts';
import { type Limit, limitOf } from '../../soak/invariants/patience.ts';
import { podsEndForAReason } from '../../soak/invariants/pods-end-for-a-reason.ts';
import { podsStartAndGo } from '../../soak/invariants/pods-start-and-go.ts';
import { poolsAreNotBoughtAgain } from '../../soak/invariants/pools-are-not-bought-again.ts';
import { providerStands } from '../../soak/invariants/provider-stands.ts';
import { readyPodsStayReady } from '../../soak/invariants/ready-pods-stay-ready.ts';
import { runningPodsHaveCells } from '../../soak/invariants/running-pods-have-cells.ts';
import { tracesHaveMachines } from '../../soak/invariants/traces-have-machines.ts';
import type { Invariant, MachineSeen, Observation } from '../../soak/observation.ts';
import { SETTLE_TIMEOUT_MS } from '../../soak/settling.ts';
import { apiOf, attackOn, machineOf, ONE_EACH, podOf, sightOf, unserved } from './sights.ts';

const LIMIT_MS = 10_000;

/** What an invariant says of the last of several observations. */
function verdict(invariant: Invariant, ...sights: readonly Observation[]): readonly string[] {
  return sights.map(invariant).at(-1) ?? [];
}

/** The same sight, at its beginning and after the limit. */
function lasting(sight: Observation): readonly Observation[] {
  return [sight, { ...sight, atMs: LIMIT_MS + 1 }];
}

test('nothing is wrong with a pod that is Ready on its cell, however long', () => {
  for (const invariant of Object.values(allInvariants())) {
    expect(verdict(invariant, sightOf(), sightOf({ atMs: 1_000_000 }))).toEqual([]);
  }
});

test('nothing is concluded about pods while the API server does not answer', () => {
  const { api: _, ...blind } = sightOf();
  for (const invariant of Object.values(allInvariants())) {
    expect(verdict(invariant, blind, { ...blind, atMs: 1_000_000 })).toEqual([]);
  }
});

describe('one machine per pod', () => {
  test.each(['begun', 'running'] as const)('a second one that is %s is told at once', (state) => {
    const machines = [machineOf(), machineOf({ cellId: 'cell-b', state })];
    expect(verdict(oneMachinePerPod(), sightOf({ machines }))).toEqual([
      'pod uid-a has the machines cell-a and cell-b',
    ]);
  });

  test.each(['ending', 'ended'] as const)('one that is %s and waits for its removal does not count', (state) => {
    const machines = [machineOf({ state }), machineOf({ cellId: 'cell-b' })];
    expect(verdict(oneMachinePerPod(), sightOf({ machines }))).toEqual([]);
  });
});

describe('one pod per cell', () => {
  test('a machine that becomes another pod’s is told', () => {
    const later = sightOf({ machines: [machineOf({ podUid: 'uid-b' })], api: apiOf() });
    expect(verdict(onePodPerCell(), sightOf(), later)).toEqual(['cell cell-a of pod uid-a is used for pod uid-b']);
  });

  test('a pod that names another pod’s cell is told', () => {
    const later = sightOf({ api: apiOf(podOf(), podOf({ uid: 'uid-b' })) });
    expect(verdict(onePodPerCell(), sightOf(), later)).toHaveLength(1);
  });

  test('a cell that served, went and is back is told; one that never served may be launched again', () => {
    const away = sightOf({ machines: [] });
    expect(verdict(onePodPerCell(), sightOf(), away, sightOf())).toEqual([
      'cell cell-a has ended after it served, and is there again',
    ]);
    const young = sightOf({ api: apiOf(podOf({ handedOver: false, ready: false, phase: 'Pending' })) });
    expect(verdict(onePodPerCell(), young, { ...young, machines: [] }, young)).toEqual([]);
  });
});

describe('cells have reasons', () => {
  const orphaned = sightOf({ api: apiOf() });

  test('a machine whose pod is gone is told when a leading provider has not ended it in time', () => {
    expect(verdict(cellsHaveReasons(limitOf(LIMIT_MS)), ...lasting(orphaned))).toHaveLength(1);
    expect(verdict(cellsHaveReasons(limitOf(LIMIT_MS)), orphaned, { ...orphaned, atMs: LIMIT_MS })).toEqual([]);
  });

  test('a machine whose pod has finished, or names another cell, is told too', () => {
    for (const pod of [podOf({ phase: 'Succeeded' }), podOf({ cellId: 'cell-b' })]) {
      expect(verdict(cellsHaveReasons(limitOf(LIMIT_MS)), ...lasting(sightOf({ api: apiOf(pod) })))).toHaveLength(1);
    }
  });

  test('one that goes from one wrong state to another is wrong all the time', () => {
    const ending = sightOf({ api: apiOf(), machines: [machineOf({ state: 'ending' })], atMs: LIMIT_MS - 1 });
    expect(verdict(cellsHaveReasons(limitOf(LIMIT_MS)), orphaned, ending, { ...ending, atMs: LIMIT_MS + 1 })).toEqual([
      'cell cell-a (ending) has no reason: no unfinished pod uid-a names it',
    ]);
  });

  test('the time in which no provider leads is not counted', () => {
    const late = sightOf({ api: apiOf(), atMs: 100_000, servingSinceMs: 95_000 });
    expect(verdict(cellsHaveReasons(limitOf(LIMIT_MS)), orphaned, late)).toEqual([]);
    expect(verdict(cellsHaveReasons(limitOf(LIMIT_MS)), orphaned, unserved({ api: apiOf(), atMs: 100_000 }))).toEqual(
      [],
    );
  });
});

describe('running pods have cells', () => {
  test.each<[string, Partial<Observation>]>([
    ['no machine', { machines: [] }],
    ['a machine of another pod', { machines: [machineOf({ podUid: 'uid-b' })] }],
    ['a machine that has ended', { machines: [machineOf({ state: 'ended' })] }],
    ['no network namespace', { namespaces: [] }],
    ['no cgroup', { cgroups: [] }],
    ['a namespace that is not mounted', { mounts: [] }],
    ['no kubelet’s folder', { machines: [machineOf({ kubeletFolders: 0 })] }],
    ['no supervisor', { machines: [machineOf({ programs: { ...ONE_EACH, supervisor: 0 } })] }],
    ['no containerd', { machines: [machineOf({ programs: { ...ONE_EACH, containerd: 0 } })] }],
    ['no kubelet', { machines: [machineOf({ programs: { ...ONE_EACH, kubelet: 0 } })] }],
    ['no cell', { api: apiOf((({ cellId: _, ...rest }) => rest)(podOf())) }],
  ])('a Ready pod with %s is told after the limit', (_, spoilt) => {
    expect(verdict(runningPodsHaveCells(limitOf(LIMIT_MS)), ...lasting(sightOf(spoilt)))).toHaveLength(1);
    expect(verdict(runningPodsHaveCells(limitOf(LIMIT_MS)), sightOf(spoilt))).toEqual([]);
  });

  test('a pod that is not Ready any more still needs its cell; one that never was does not yet', () => {
    const [first, second] = lasting(sightOf({ machines: [], api: apiOf(podOf({ ready: false })) }));
    const [unready, later] = [first as Observation, second as Observation];
    expect(verdict(runningPodsHaveCells(limitOf(LIMIT_MS)), sightOf(), unready, later)).toHaveLength(1);
    expect(verdict(runningPodsHaveCells(limitOf(LIMIT_MS)), unready, later)).toEqual([]);
  });

  test('a cell that the soak has ended is not asked for', () => {
    const killed = sightOf({ machines: [], attacks: [attackOn('cell-a', 'killCell')] });
    expect(verdict(runningPodsHaveCells(limitOf(LIMIT_MS)), ...lasting(killed))).toEqual([]);
  });
});

describe('nothing is twice', () => {
  test.each<[string, Partial<MachineSeen>]>([
    ['a second supervisor', { programs: { ...ONE_EACH, supervisor: 2 } }],
    ['a second containerd', { programs: { ...ONE_EACH, containerd: 2 } }],
    ['a second kubelet', { programs: { ...ONE_EACH, kubelet: 2 } }],
    ['its kubelet’s folder mounted once more', { kubeletFolders: 2 }],
    ['another pod’s volumes', { volumesOf: ['uid-a', 'uid-b'] }],
  ])('%s is told at once, of a machine that runs and of one that has begun', (_, spoilt) => {
    for (const state of ['begun', 'running'] as const) {
      expect(verdict(nothingIsTwice(), sightOf({ machines: [machineOf({ ...spoilt, state })] }))).toHaveLength(1);
    }
    expect(verdict(nothingIsTwice(), sightOf({ machines: [machineOf({ ...spoilt, state: 'ending' })] }))).toEqual([]);
  });

  test('a mount in a cell’s folder that the host sees is told', () => {
    const mounts = [{ cellId: 'cell-a', kind: 'folder' as const, point: '/x/cells/cell-a/machine/log' }];
    expect(verdict(nothingIsTwice(), sightOf({ mounts }))).toHaveLength(1);
  });
});

describe('ready pods stay ready', () => {
  const limits = () => ({ unhurt: limitOf(LIMIT_MS), hurt: limitOf(10 * LIMIT_MS) });
  const fallen = { api: apiOf(podOf({ ready: false })) };

  test('a pod that was Ready and is not is told after the limit; one that was not yet is not', () => {
    expect(verdict(readyPodsStayReady(limits()), sightOf(), ...lasting(sightOf(fallen)))).toHaveLength(1);
    expect(verdict(readyPodsStayReady(limits()), ...lasting(sightOf(fallen)))).toEqual([]);
  });

  test.each(['killKubelet', 'killContainerd'] as const)('after %s it has more time, of leading providers', (kind) => {
    const hurt = sightOf({ ...fallen, attacks: [attackOn('cell-a', kind)] });
    expect(verdict(readyPodsStayReady(limits()), sightOf(), ...lasting(hurt))).toEqual([]);
    const late = { ...hurt, atMs: 10 * LIMIT_MS + 1 };
    expect(verdict(readyPodsStayReady(limits()), sightOf(), hurt, late)).toHaveLength(1);
    const away = unserved({ ...hurt, atMs: late.atMs });
    expect(verdict(readyPodsStayReady(limits()), sightOf(), hurt, away)).toEqual([]);
  });

  test('one that is deleted, finished, or on a cell that was ended, need not be', () => {
    for (const given of [
      { api: apiOf(podOf({ ready: false, deleting: true })) },
      { api: apiOf(podOf({ ready: false, phase: 'Succeeded' })) },
      { ...fallen, attacks: [attackOn('cell-a', 'killCell')] },
    ]) {
      expect(verdict(readyPodsStayReady(limits()), sightOf(), ...lasting(sightOf(given)))).toEqual([]);
    }
  });
});

describe('traces have machines', () => {
  test('a mount of a cell without a folder is told after the limit', () => {
    const mounts = [{ cellId: 'cell-gone', kind: 'namespace' as const, point: '/run/netns/nodeless-soak-cell-gone' }];
    expect(verdict(tracesHaveMachines(limitOf(LIMIT_MS)), ...lasting(sightOf({ mounts })))).toHaveLength(1);
  });

  test.each(['namespaces', 'cgroups'] as const)('%s of a cell without a folder are told after the limit', (trace) => {
    const left = sightOf({ [trace]: ['cell-a', 'cell-gone'] });
    expect(verdict(tracesHaveMachines(limitOf(LIMIT_MS)), ...lasting(left))).toHaveLength(1);
  });
});

describe('pods end for a reason', () => {
  const failed = podOf({ phase: 'Failed', reason: 'CellLost', ready: false });

  test('a pod that fails though nothing was done to its cell is told', () => {
    expect(verdict(podsEndForAReason(), sightOf({ api: apiOf(failed) }))).toHaveLength(1);
    const attacks = [attackOn('cell-b', 'killCell'), attackOn('cell-a', 'killKubelet')];
    expect(verdict(podsEndForAReason(), sightOf({ api: apiOf(failed), attacks }))).toHaveLength(1);
  });

  test.each(['killCell', 'deleteCell'] as const)('after %s it may be CellLost, and nothing else', (kind) => {
    const attacks = [attackOn('cell-a', kind)];
    expect(verdict(podsEndForAReason(), sightOf({ api: apiOf(failed), attacks }))).toEqual([]);
    const other = podOf({ phase: 'Failed', reason: 'Error' });
    expect(verdict(podsEndForAReason(), sightOf({ api: apiOf(other), attacks }))).toHaveLength(1);
  });

  test('only a Job’s pod succeeds by itself', () => {
    const done = podOf({ phase: 'Succeeded', ready: false });
    expect(verdict(podsEndForAReason(), sightOf({ api: apiOf(done) }))).toHaveLength(1);
    expect(verdict(podsEndForAReason(), sightOf({ api: apiOf({ ...done, ofJob: true }) }))).toEqual([]);
    expect(verdict(podsEndForAReason(), sightOf({ api: apiOf({ ...done, deleting: true }) }))).toEqual([]);
  });
});

describe('what a leading provider has to do in time', () => {
  test('a pod on a killed cell is told of; after a deleted Cell object it need not be', () => {
    const killed = sightOf({ attacks: [attackOn('cell-a', 'killCell')] });
    expect(verdict(lostCellsAreTold(limitOf(LIMIT_MS)), ...lasting(killed))).toHaveLength(1);
    const deleted = sightOf({ attacks: [attackOn('cell-a', 'deleteCell')] });
    expect(verdict(lostCellsAreTold(limitOf(LIMIT_MS)), ...lasting(deleted))).toEqual([]);
  });

  test.each([
    ['Pending', podOf({ phase: 'Pending', ready: false })],
    ['Running and not Ready', podOf({ ready: false })],
    ['Terminating', podOf({ deleting: true })],
  ])('a pod that stays %s is told', (_, pod) => {
    expect(verdict(podsStartAndGo(limitOf(LIMIT_MS)), ...lasting(sightOf({ api: apiOf(pod) })))).toHaveLength(1);
  });
});

describe('what no provider mends while it is killed again and again', () => {
  /** Five providers that serve for a third of the limit each, and are away as long. */
  function kills(given: Partial<Observation>): readonly Observation[] {
    const third = LIMIT_MS / 3;
    return Array.from({ length: 5 }, (_, index) => 2 * third * index).flatMap((servingSinceMs) => [
      sightOf({ ...given, atMs: servingSinceMs, servingSinceMs }),
      sightOf({ ...given, atMs: servingSinceMs + third, servingSinceMs }),
      unserved({ ...given, atMs: servingSinceMs + 1.5 * third }),
    ]);
  }

  const orphaned = { api: apiOf() };
  const stuck = { api: apiOf(podOf({ ready: false, phase: 'Pending' })) };
  const killed = { attacks: [attackOn('cell-a', 'killCell')] };

  test.each<[string, (limit: Limit) => Invariant, Partial<Observation>]>([
    ['a machine without a reason', cellsHaveReasons, orphaned],
    ['a pod that does not start', podsStartAndGo, stuck],
    ['a pod on a killed cell', lostCellsAreTold, killed],
  ])('%s is told once they have led for the limit in all', (_, invariantOf, given) => {
    const limit = limitOf(LIMIT_MS);
    const [invariant, sights] = [invariantOf(limit), kills(given)];
    expect(sights.slice(0, 9).flatMap(invariant)).toEqual([]);
    expect(sights.slice(9).flatMap(invariant)).not.toEqual([]);
    expect(limit.longestMs).toBeCloseTo((5 / 3) * LIMIT_MS);
  });

  test('an observation without the API server’s answer does not make it right', () => {
    const [first, second] = lasting(sightOf(stuck));
    const { api: _, ...blind } = sightOf({ ...stuck, atMs: LIMIT_MS / 2 });
    expect(verdict(podsStartAndGo(limitOf(LIMIT_MS)), first as Observation, blind, second as Observation)).toHaveLength(
      1,
    );
  });

  test('what was right meanwhile begins anew', () => {
    const [first, second] = lasting(sightOf(stuck));
    const right = sightOf({ atMs: LIMIT_MS / 2 });
    expect(verdict(podsStartAndGo(limitOf(LIMIT_MS)), first as Observation, right, second as Observation)).toEqual([]);
  });

  test('it is told before everything had its time to settle', () => {
    for (const { limitMs } of Object.values(soakLimits())) expect(limitMs).toBeLessThan(SETTLE_TIMEOUT_MS);
  });
});

describe('the provider', () => {
  test('two of them are told at once', () => {
    expect(verdict(providerStands(limitOf(LIMIT_MS)), sightOf({ providerPids: [1, 2] }))).toHaveLength(1);
  });

  test('one that ends by itself is told; one that the soak has killed is not', () => {
    const gone = sightOf({ providerPids: [] });
    expect(verdict(providerStands(limitOf(LIMIT_MS)), ...lasting(gone))).toHaveLength(1);
    expect(verdict(providerStands(limitOf(LIMIT_MS)), ...lasting({ ...gone, providerMustRun: false }))).toEqual([]);
  });

  test.each(['False', 'Unknown', 'missing'])('a node whose Ready condition is %s is told at once', (nodeReady) => {
    expect(verdict(nodeStaysReady(), sightOf({ api: { ...apiOf(), nodeReady } }))).toHaveLength(1);
  });
});

describe('cells that wait in pools', () => {
  const waits = (cellId: string) => machineOf({ cellId, podUid: '', ofPool: true });
  const withPool = (...machines: readonly MachineSeen[]) => sightOf({ machines, api: { ...apiOf(), warmCells: 1 } });

  test('are nobody’s machines, and have a reason while there is a pool', () => {
    const two = withPool(waits('cell-a'), waits('cell-b'));
    expect(verdict(oneMachinePerPod(), two)).toEqual([]);
    expect(verdict(cellsHaveReasons(limitOf(LIMIT_MS)), ...lasting(two))).toEqual([]);
    const left = sightOf({ machines: [waits('cell-a')], api: apiOf() });
    expect(verdict(cellsHaveReasons(limitOf(LIMIT_MS)), ...lasting(left))).toHaveLength(1);
  });

  test('that are more than the pool and a successor are told at once', () => {
    const ids = ['cell-a', 'cell-b', 'cell-c'];
    expect(verdict(poolsAreNotBoughtAgain(), withPool(...ids.slice(1).map(waits)))).toEqual([]);
    expect(verdict(poolsAreNotBoughtAgain(), withPool(...ids.map(waits)))).toEqual([
      '3 cells wait in pools for 1: cell-a, cell-b, cell-c',
    ]);
  });

  test('become one pod’s, and no other’s; a claim that the machine does not know is void', () => {
    const claimed = (uid: string) =>
      sightOf({ machines: [machineOf({ podUid: uid, ofPool: true })], api: apiOf(podOf({ uid })) });
    const intended = sightOf({ machines: [waits('cell-a')], api: apiOf(podOf({ uid: 'uid-b', handedOver: false })) });
    expect(verdict(onePodPerCell(), intended, claimed('uid-a'))).toEqual([]);
    expect(verdict(onePodPerCell(), claimed('uid-a'), claimed('uid-b'))).toHaveLength(2);
  });
});
