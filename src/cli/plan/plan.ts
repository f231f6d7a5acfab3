import { isNodelessError } from '../../core/errors.ts';
import { type Resources, resourceListOf } from '../../core/resources.ts';
import { effectiveRequest } from '../../core/sizing.ts';
import type { WirePod } from '../../kube/wire-pod.ts';
import { isMateOf, wantedCompany } from '../../placement/company.ts';
import type { Explanation, OfferingRow } from '../../placement/explanation.ts';
import { type Place, placeOf } from '../../placement/place.ts';
import type { Placement } from '../../placement/placement.ts';
import type { Facts } from './facts.ts';
import type { Router } from './router.ts';
import { Seating } from './seating.ts';
import type { Workload } from './workloads.ts';

/** What becomes of one workload's pods. */
export interface WorkloadPlan {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** `regular-node` for what routing leaves alone, or keeps off the virtual node; `refused` for what admission lets not in. */
  readonly place: Place | 'regular-node' | 'refused';
  /** What routing decides; absent for DaemonSets, whose pods their controller binds. */
  readonly decision?: string;
  readonly replicas: number;
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
export interface Planner {
  readonly placement: Placement;
  readonly facts: Facts;
  /** Namespaces whose DaemonSets may be in every cell. */
  readonly agentNamespaces: readonly string[];
  /** What the node cell is sized for, and whether a plan has counted it. */
  readonly nodeCell: { readonly size: Resources; isCounted: boolean };
  /** Each zone has a virtual node of its own. */
  readonly hasZones: boolean;
  /** Absent where pods are not routed, but bound to the virtual node by their own specs. */
  readonly router?: Router;
}

interface Placed {
  readonly place: WorkloadPlan['place'];
  readonly pod: WirePod;
  readonly decision?: string;
  /** Why admission refuses its pods. */
  readonly refusal?: string;
}

const PLACES: Partial<Record<string, Placed['place']>> = { cell: 'cell', 'node-cell': 'node-cell' };

/** Where a pod goes, and as what. A DaemonSet's is the one that its controller makes for the virtual node. */
function placed({ kind, pod }: Workload, { facts, router, agentNamespaces }: Planner): Placed {
  if (kind === 'DaemonSet' || router === undefined) {
    const daemonSet = (namespace: string, of: string) => facts.daemonSets.get(namespace, of);
    return { place: placeOf(pod, { daemonSet, agentNamespaces }) ?? 'absorbed', pod };
  }
  const { verdict, refusal, pod: routed } = router(pod);
  const decision = [verdict.decision, verdict.reason, verdict.detail].filter((word) => word !== undefined).join(': ');
  if (refusal !== undefined) return { place: 'refused', pod: routed, decision, refusal };
  return { place: PLACES[verdict.decision] ?? 'regular-node', pod: routed, decision };
}

interface Cells {
  readonly cells: number;
  readonly pricePerHourUsd: number;
  readonly why?: string;
  readonly refused?: string;
  /** Of the first cell, where it is shared. */
  readonly explanation?: Explanation;
}

/** A workload whose place is known, with one pod for each replica. */
interface Case extends Placed {
  readonly workload: Workload;
  readonly pods: readonly WirePod[];
}

const SHARES = 'its pods share the cells of others, which they must be on one machine with';

/** Seats one pod after the other, so that budgets count; no longer than until one is refused. */
async function seatAll({ workload, pods }: Case, seating: Seating, signal: AbortSignal): Promise<Cells> {
  const { kind, namespace, name } = workload;
  let sum: Cells = { cells: 0, pricePerHourUsd: 0 };
  for (const [index, pod] of pods.entries()) {
    try {
      const cell = await seating.seat(pod, `${kind} ${namespace}/${name} ${index}`, signal);
      if (cell === undefined) continue;
      const { choice, company, explanation } = cell;
      const why = `${choice.why}, for ${company.length + 1} pods that must be on one machine`;
      sum = {
        ...(sum.cells === 0 && explanation !== undefined ? { why, explanation } : sum),
        cells: sum.cells + 1,
        pricePerHourUsd: sum.pricePerHourUsd + choice.offering.pricePerHourUsd,
      };
    } catch (error) {
      if (!isNodelessError(error)) throw error;
      return { ...sum, why: error.message, refused: error.code };
    }
  }
  return sum.cells === 0 && pods.length > 0 ? { ...sum, why: SHARES } : sum;
}

/** One machine for all that is on it; the first to be there is told its price. */
async function onNodeCell({ placement, nodeCell }: Planner, signal: AbortSignal): Promise<Cells> {
  if (nodeCell.isCounted) return { cells: 0, pricePerHourUsd: 0 };
  const { offering, why } = await placement.chooseSize(nodeCell.size, 'the node cell', signal);
  nodeCell.isCounted = true;
  return { cells: 1, pricePerHourUsd: offering.pricePerHourUsd, why: `${ELSEWHERE['node-cell']}: ${why}` };
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
  const head = { kind, namespace, name, place, ...(decision === undefined ? {} : { decision }), replicas };
  const nothing = { cells: 0, pricePerHourUsd: 0 };
  if (refusal !== undefined) return { ...head, ...nothing, why: `it is refused: ${refusal}`, refused: 'Refused' };
  if (place === 'absorbed' || place === 'every-cell' || place === 'not-injected' || place === 'regular-node') {
    return { ...head, ...nothing, why: ELSEWHERE[place] };
  }
  try {
    if (place === 'node-cell') return { ...head, why: ELSEWHERE[place], ...(await onNodeCell(planner, signal)) };
    const request = resourceListOf(effectiveRequest(pod));
    // Before anything is chosen, so that it is not in its own way.
    const explanation = await planner.placement.explain(pod, signal);
    const zones = planner.hasZones ? { zones: zonesFor(explanation) } : {};
    return { ...head, request, why: explanation.why, explanation, ...zones, ...(await seatAll(one, seating, signal)) };
  } catch (error) {
    if (!isNodelessError(error)) throw error;
    return { ...head, ...nothing, why: error.message, refused: error.code };
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
