import type { Invariant } from '../observation.ts';
import { cellsHaveReasons } from './cells-have-reasons.ts';
import { containersStay } from './containers-stay.ts';
import { lostCellsAreTold } from './lost-cells-are-told.ts';
import { nodeStaysReady } from './node-stays-ready.ts';
import { oneMachinePerPod } from './one-machine-per-pod.ts';
import { onePodPerCell } from './one-pod-per-cell.ts';
import { podsEndForAReason } from './pods-end-for-a-reason.ts';
import { podsStartAndGo } from './pods-start-and-go.ts';
import { providerStands } from './provider-stands.ts';
import { runningPodsHaveCells } from './running-pods-have-cells.ts';
import { tracesHaveMachines } from './traces-have-machines.ts';

/**
 * What has to happen in the end has much time for it: the machine may have a lot else to do, and what never happens is
 * found all the same. What must never happen has none.
 */
export function allInvariants(): Readonly<Record<string, Invariant>> {
  return {
    oneMachinePerPod: oneMachinePerPod(),
    onePodPerCell: onePodPerCell(),
    // A finished pod's cell lingers, and an orphan is suspected, for 5 s each.
    cellsHaveReasons: cellsHaveReasons(60_000),
    tracesHaveMachines: tracesHaveMachines(5_000),
    // A supervisor pauses for at most 10 s before it starts a kubelet again.
    runningPodsHaveCells: runningPodsHaveCells(20_000),
    containersStay: containersStay(),
    podsEndForAReason: podsEndForAReason(),
    lostCellsAreTold: lostCellsAreTold(45_000),
    // A kubelet that has met one ended provider after another waits up to a minute before it lists its pods again, and
    // another for a volume's ConfigMap that was not there; a pod has 30 s to end.
    podsStartAndGo: podsStartAndGo(180_000),
    providerStands: providerStands(1_500),
    nodeStaysReady: nodeStaysReady(),
  };
}
