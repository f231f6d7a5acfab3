import { isNodelessError } from '../../core/errors.ts';
import { resourceListOf } from '../../core/resources.ts';
import { effectiveRequest } from '../../core/sizing.ts';
import type { WirePod } from '../../kube/wire-pod.ts';
import type { Explanation } from '../../placement/explanation.ts';
import { type Place, placeOf } from '../../placement/place.ts';
import type { Placement } from '../../placement/placement.ts';
import type { Facts } from './facts.ts';
import type { Router } from './router.ts';
import type { Workload } from './workloads.ts';

/** What becomes of one workload's pods. */
export interface WorkloadPlan {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** `regular-node` for what routing leaves alone, or keeps off the virtual node. */
  readonly place: Place | 'regular-node';
  /** What routing decides; absent for DaemonSets, whose pods their controller binds. */
  readonly decision?: string;
  readonly replicas: number;
  /** How many of them get a cell of their own. */
  readonly cells: number;
  /** What all those cells cost. */
  readonly pricePerHourUsd: number;
  /** The pod's effective request, as the scheduler counts it. */
  readonly request?: Readonly<Record<string, string>>;
  /** Why as many as that, or none, in words. */
  readonly why: string;
  /** Code of the error that the pods without a cell wait with. */
  readonly refused?: string;
  readonly explanation?: Explanation;
}

const ELSEWHERE = {
  absorbed: 'the DaemonSet is absorbed: its pod on the virtual node is reported Ready and runs nowhere',
  'not-injected':
    'the DaemonSet asks for its agent on every cell, which is not there yet: its pod on the virtual node is reported Ready and runs nowhere',
  'node-cell': 'it runs on the node cell, which all such pods of the virtual node share',
  'regular-node': 'it stays on regular nodes, where the scheduler finds one',
} as const;

/** What workloads are planned with. */
export interface Planner {
  readonly placement: Placement;
  readonly facts: Facts;
  /** Absent where pods are not routed, but bound to the virtual node by their own specs. */
  readonly router?: Router;
}

interface Placed {
  readonly place: WorkloadPlan['place'];
  readonly pod: WirePod;
  readonly decision?: string;
}

const PLACES: Partial<Record<string, Placed['place']>> = { cell: 'cell', 'node-cell': 'node-cell' };

/** Where a pod goes, and as what. A DaemonSet's is the one that its controller makes for the virtual node. */
function placed({ kind, pod }: Workload, { facts, router }: Planner): Placed {
  if (kind === 'DaemonSet' || router === undefined) {
    const place = placeOf(pod, { daemonSet: (namespace, name) => facts.daemonSets.get(namespace, name) }) ?? 'absorbed';
    return { place, pod };
  }
  const { verdict, pod: routed } = router(pod);
  const decision = [verdict.decision, verdict.reason, verdict.detail].filter((word) => word !== undefined).join(': ');
  return { place: PLACES[verdict.decision] ?? 'regular-node', pod: routed, decision };
}

interface Cells {
  readonly cells: number;
  readonly pricePerHourUsd: number;
  readonly why?: string;
  readonly refused?: string;
}

/** Chooses for one pod after the other, so that budgets count; no longer than until one is refused. */
async function chooseAll(workload: Workload, placement: Placement, signal: AbortSignal): Promise<Cells> {
  const { pod, replicas, kind, namespace, name } = workload;
  let pricePerHourUsd = 0;
  for (let cells = 0; cells < replicas; cells += 1) {
    try {
      const cellId = `${kind} ${namespace}/${name} ${cells}`;
      const { offering } = await placement.choose(pod, { cellId }, signal);
      pricePerHourUsd += offering.pricePerHourUsd;
    } catch (error) {
      if (!isNodelessError(error)) throw error;
      return { cells, pricePerHourUsd, why: error.message, refused: error.code };
    }
  }
  return { cells: replicas, pricePerHourUsd };
}

async function planned(workload: Workload, planner: Planner, signal: AbortSignal): Promise<WorkloadPlan> {
  const { kind, namespace, name, replicas } = workload;
  const { place, pod, decision } = placed(workload, planner);
  const head = { kind, namespace, name, place, ...(decision === undefined ? {} : { decision }), replicas };
  if (place !== 'cell') return { ...head, cells: 0, pricePerHourUsd: 0, why: ELSEWHERE[place] };
  try {
    const request = resourceListOf(effectiveRequest(pod));
    const explanation = await planner.placement.explain(pod, signal);
    const outcome = await chooseAll({ ...workload, pod }, planner.placement, signal);
    return { ...head, request, why: explanation.why, ...outcome, explanation };
  } catch (error) {
    if (!isNodelessError(error)) throw error;
    return { ...head, cells: 0, pricePerHourUsd: 0, why: error.message, refused: error.code };
  }
}

/** What becomes of each workload, in their order; the budgets of classes are shared. */
export async function planAll(
  workloads: readonly Workload[],
  planner: Planner,
  signal: AbortSignal,
): Promise<readonly WorkloadPlan[]> {
  const plans: WorkloadPlan[] = [];
  for (const workload of workloads) plans.push(await planned(workload, planner, signal));
  return plans;
}
