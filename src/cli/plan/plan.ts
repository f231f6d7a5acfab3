import { isNodelessError } from '../../core/errors.ts';
import { resourceListOf } from '../../core/resources.ts';
import { effectiveRequest } from '../../core/sizing.ts';
import type { WirePod } from '../../kube/wire-pod.ts';
import { isMateOf, wantedCompany } from '../../placement/company.ts';
import type { Explanation, OfferingRow } from '../../placement/explanation.ts';
import type { Placement } from '../../placement/placement.ts';
import { NO_LAUNCHES, type NodeCell, onNodeCell, seatAll } from './launches.ts';
import { type Placed, type Placer, placed } from './placed.ts';
import { Seating } from './seating.ts';
import type { Workload } from './workloads.ts';

/** What becomes of one workload's pods. */
export interface WorkloadPlan {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly place: Placed['place'];
  /** What routing decides; absent for DaemonSets, whose pods their controller binds. */
  readonly decision?: string;
  readonly replicas: number;
  /** How many of them get a place on a cell. */
  readonly placed: number;
  /** How many cells are launched for them; pods that must be on one machine share one. */
  readonly cells: number;
  /** What all those cells cost. */
  readonly pricePerHourUsd: number;
  /** The pod's effective request, as the scheduler counts it. */
  readonly request?: Readonly<Record<string, string>>;
  /** Why as many as that, or none, in words. */
  readonly why: string;
  /** Code of the error that the pods without a cell wait with; `Refused` where they are not even created. */
  readonly refused?: string;
  readonly explanation?: Explanation;
  /** With a virtual node for each zone, those that the scheduler may choose: the cell is the same in each. */
  readonly zones?: readonly string[];
  /** What it asks for in words that nothing follows. */
  readonly warnings: readonly string[];
}

const ELSEWHERE = {
  absorbed: 'the DaemonSet is absorbed: its pod on the virtual node is reported Ready and runs nowhere',
  'every-cell': 'its pod on the virtual node is in every cell, which is sized for it',
  'not-injected':
    'the DaemonSet asks for a place in every cell, which those of its namespace may not have (cells.agents.namespaces): its pod on the virtual node waits',
  'node-cell': 'it runs on the node cell, which all such pods of the virtual node share',
  'regular-node': 'it stays on regular nodes, where the scheduler finds one',
} as const;

/** What workloads are planned with. */
export interface Planner extends Placer {
  readonly placement: Placement;
  readonly nodeCell: NodeCell;
  /** Each zone has a virtual node of its own. */
  readonly hasZones: boolean;
}

/** A workload whose place is known, with one pod for each replica. */
interface Case extends Placed {
  readonly workload: Workload;
  readonly pods: readonly WirePod[];
}

/** The zones that have what was chosen at the same price. */
function zonesFor({ chosen, candidates }: Explanation): readonly string[] {
  const isSame = (one: OfferingRow) =>
    one.instanceType === chosen?.instanceType &&
    one.launchType === chosen.launchType &&
    one.pricePerHourUsd === chosen.pricePerHourUsd;
  return candidates.filter(isSame).map(({ zone }) => zone);
}

async function planned(one: Case, seating: Seating, planner: Planner, signal: AbortSignal): Promise<WorkloadPlan> {
  const { workload, place, pod, decision, refusal } = one;
  const { kind, namespace, name, replicas } = workload;
  const unknown = workload.unknownFields.map((field) => `${kind} has no field ${field}; it does not count`);
  const warnings = [...unknown, ...one.warnings];
  const head = { kind, namespace, name, place, ...(decision === undefined ? {} : { decision }), replicas, warnings };
  if (refusal !== undefined) return { ...head, ...NO_LAUNCHES, why: `it is refused: ${refusal}`, refused: 'Refused' };
  if (place !== 'cell' && place !== 'node-cell' && place !== 'refused')
    return { ...head, ...NO_LAUNCHES, why: ELSEWHERE[place] };
  try {
    if (place === 'node-cell') {
      const why = ELSEWHERE[place];
      return { ...head, why, ...(await onNodeCell(planner.placement, planner.nodeCell, why, signal)) };
    }
    const request = resourceListOf(effectiveRequest(pod));
    // Before anything is chosen, so that it is not in its own way.
    const explanation = await planner.placement.explain(pod, signal);
    const zones = planner.hasZones ? { zones: zonesFor(explanation) } : {};
    const launches = await seatAll(`${kind} ${namespace}/${name}`, one.pods, seating, signal);
    return { ...head, request, why: explanation.why, explanation, ...zones, ...launches };
  } catch (error) {
    if (!isNodelessError(error)) throw error;
    return { ...head, ...NO_LAUNCHES, why: error.message, refused: error.code };
  }
}

function caseOf(workload: Workload, planner: Planner): Case {
  const { place, pod, ...more } = placed(workload, planner);
  const copy = (index: number) => ({ ...pod, metadata: { ...pod.metadata, name: `${pod.metadata.name}-${index}` } });
  const pods = place === 'cell' ? Array.from({ length: workload.replicas }, (_, index) => copy(index)) : [];
  return { workload, place, pod, ...more, pods };
}

/** Who needs nobody has a cell first, then who needs its like; the others join these. */
function rankOf({ pod }: Case): number {
  if (wantedCompany(pod).length === 0) return 0;
  return isMateOf(pod, pod) ? 1 : 2;
}

/** What becomes of each workload, in their order, as if all came at once; the budgets of classes are shared. */
export async function planAll(
  workloads: readonly Workload[],
  planner: Planner,
  signal: AbortSignal,
): Promise<readonly WorkloadPlan[]> {
  const cases = workloads.map((workload) => caseOf(workload, planner));
  const seating = new Seating(
    planner.placement,
    cases.flatMap(({ pods }) => pods),
  );
  const plans = new Map<Case, WorkloadPlan>();
  for (const one of cases.toSorted((a, b) => rankOf(a) - rankOf(b))) {
    plans.set(one, await planned(one, seating, planner, signal));
  }
  return cases.flatMap((one) => plans.get(one) ?? []);
}
