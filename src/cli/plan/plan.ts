import { isNodelessError } from '../../core/errors.ts';
import { resourceListOf } from '../../core/resources.ts';
import { effectiveRequest } from '../../core/sizing.ts';
import type { Explanation } from '../../placement/explanation.ts';
import { type Place, placeOf } from '../../placement/place.ts';
import type { Placement } from '../../placement/placement.ts';
import type { Facts } from './facts.ts';
import type { Workload } from './workloads.ts';

/** What becomes of one workload's pods. */
export interface WorkloadPlan {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly place: Place;
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

const ELSEWHERE: Readonly<Record<Exclude<Place, 'cell'>, string>> = {
  absorbed: 'the DaemonSet is absorbed: its pod on the virtual node is reported Ready and runs nowhere',
  'node-cell': 'it runs on the node cell, which all such pods of the virtual node share',
};

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

async function planned(
  workload: Workload,
  placement: Placement,
  facts: Facts,
  signal: AbortSignal,
): Promise<WorkloadPlan> {
  const { kind, namespace, name, replicas, pod } = workload;
  const place = placeOf(pod, (of, daemonSet) => facts.daemonSets.get(of, daemonSet)) ?? 'absorbed';
  const head = { kind, namespace, name, place, replicas };
  if (place !== 'cell') return { ...head, cells: 0, pricePerHourUsd: 0, why: ELSEWHERE[place] };
  try {
    const request = resourceListOf(effectiveRequest(pod));
    const explanation = await placement.explain(pod, signal);
    const outcome = await chooseAll(workload, placement, signal);
    return { ...head, request, why: explanation.why, ...outcome, explanation };
  } catch (error) {
    if (!isNodelessError(error)) throw error;
    return { ...head, cells: 0, pricePerHourUsd: 0, why: error.message, refused: error.code };
  }
}

/** What becomes of each workload, in their order; the budgets of classes are shared. */
export async function planAll(
  workloads: readonly Workload[],
  placement: Placement,
  facts: Facts,
  signal: AbortSignal,
): Promise<readonly WorkloadPlan[]> {
  const plans: WorkloadPlan[] = [];
  for (const workload of workloads) plans.push(await planned(workload, placement, facts, signal));
  return plans;
}
