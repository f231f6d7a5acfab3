import type { Invariant } from '../observation.ts';
import { cellsHaveReasons } from './cells-have-reasons.ts';
import { containersStay } from './containers-stay.ts';
import { lostCellsAreTold } from './lost-cells-are-told.ts';
import { nodeStaysReady } from './node-stays-ready.ts';
import { nothingIsTwice } from './nothing-is-twice.ts';
import { oneMachinePerPod } from './one-machine-per-pod.ts';
import { onePodPerCell } from './one-pod-per-cell.ts';
import { type Limit, limitOf } from './patience.ts';
import { podsEndForAReason } from './pods-end-for-a-reason.ts';
import { podsStartAndGo } from './pods-start-and-go.ts';
import { poolsAreNotBoughtAgain } from './pools-are-not-bought-again.ts';
import { providerStands } from './provider-stands.ts';
import { readyPodsStayReady } from './ready-pods-stay-ready.ts';
import { runningPodsHaveCells } from './running-pods-have-cells.ts';
import { tracesHaveMachines } from './traces-have-machines.ts';

/** For what is borne for a while: all below the time that a soak gives everything to settle. */
export type Limits = Readonly<
  Record<
    | 'readyAgainUnhurt'
    | 'readyAgain'
    | 'cellsHaveReasons'
    | 'tracesHaveMachines'
    | 'runningPodsHaveCells'
    | 'lostCellsAreTold'
    | 'podsStartAndGo'
    | 'providerStands',
    Limit
  >
>;

/**
 * What has to happen in the end has much time for it: the machine may have a lot else to do, and what never happens is
 * found all the same. What must never happen has none.
 */
export function soakLimits(): Limits {
  return {
    // Many a provider is killed before it has suspected an orphan for long enough.
    cellsHaveReasons: limitOf(60_000),
    tracesHaveMachines: limitOf(5_000),
    // A supervisor pauses for at most 10 s before it starts a kubelet again.
    runningPodsHaveCells: limitOf(20_000),
    lostCellsAreTold: limitOf(45_000),
    // Three probes a second apart may fail while the machine has too much to do.
    readyAgainUnhurt: limitOf(15_000),
    // A kubelet that is started again lists its pods, looks at their containers and probes them.
    readyAgain: limitOf(90_000),
    // A kubelet that has met one ended provider after another waits up to a minute before it lists its pods again, and
    // another for a volume's ConfigMap that was not there; a pod has 30 s to end.
    podsStartAndGo: limitOf(140_000),
    providerStands: limitOf(1_500),
  };
}

export function allInvariants(limits: Limits = soakLimits()): Readonly<Record<string, Invariant>> {
  return {
    oneMachinePerPod: oneMachinePerPod(),
    onePodPerCell: onePodPerCell(),
    cellsHaveReasons: cellsHaveReasons(limits.cellsHaveReasons),
    tracesHaveMachines: tracesHaveMachines(limits.tracesHaveMachines),
    runningPodsHaveCells: runningPodsHaveCells(limits.runningPodsHaveCells),
    nothingIsTwice: nothingIsTwice(),
    poolsAreNotBoughtAgain: poolsAreNotBoughtAgain(),
    containersStay: containersStay(),
    readyPodsStayReady: readyPodsStayReady({ unhurt: limits.readyAgainUnhurt, hurt: limits.readyAgain }),
    podsEndForAReason: podsEndForAReason(),
    lostCellsAreTold: lostCellsAreTold(limits.lostCellsAreTold),
    podsStartAndGo: podsStartAndGo(limits.podsStartAndGo),
    providerStands: providerStands(limits.providerStands),
    nodeStaysReady: nodeStaysReady(),
  };
}
