import { daemonSetPolicyWarning } from '../../core/daemonset-policy.ts';
import { DAEMONSET_POLICY_ANNOTATION } from '../../core/names.ts';
import { placementWarning } from '../../core/placement-label.ts';
import type { WirePod } from '../../kube/wire-pod.ts';
import { type Place, placeOf } from '../../placement/place.ts';
import type { Facts } from './facts.ts';
import type { Router, Routing } from './router.ts';
import type { Workload } from './workloads.ts';

/** Where the pods of a workload go. */
export interface Placed {
  /** `regular-node` for what routing leaves alone, or keeps off the virtual node; `refused` for what admission lets not in. */
  readonly place: Place | 'regular-node' | 'refused';
  /** As routing makes it. */
  readonly pod: WirePod;
  readonly decision?: string;
  /** Why admission refuses its pods. */
  readonly refusal?: string;
  /** What it asks for in words that nothing follows. */
  readonly warnings: readonly string[];
}

/** What pods are placed by. */
export interface Placer {
  readonly facts: Facts;
  /** Namespaces whose DaemonSets may be in every cell. */
  readonly agentNamespaces: readonly string[];
  /** Absent where pods are not routed, but bound to the virtual node by their own specs. */
  readonly router?: Router;
}

function unlessUndefined(warning: string | undefined): readonly string[] {
  return warning === undefined ? [] : [warning];
}

/** The pod that the controller of a DaemonSet makes for the virtual node. */
function ofDaemonSet({ namespace, name, pod }: Workload, { facts: { daemonSets }, agentNamespaces }: Placer): Placed {
  const place = placeOf(pod, { daemonSet: (...of) => daemonSets.get(...of), agentNamespaces }) ?? 'absorbed';
  const annotation = daemonSets.get(namespace, name)?.metadata.annotations?.[DAEMONSET_POLICY_ANNOTATION];
  return { place, pod, warnings: unlessUndefined(daemonSetPolicyWarning(annotation)) };
}

/** What is bound to a virtual node by its own spec is judged there, whatever routing says. */
function placeFor({ verdict: { decision }, refusal, isBound }: Routing): Placed['place'] {
  if (refusal !== undefined) return 'refused';
  if (decision === 'cell' || decision === 'node-cell') return decision;
  return isBound ? 'cell' : 'regular-node';
}

/** Where the pods of a workload go, and as what. */
export function placed(workload: Workload, placer: Placer): Placed {
  if (workload.kind === 'DaemonSet') return ofDaemonSet(workload, placer);
  const { pod } = workload;
  const { router } = placer;
  if (router === undefined) return { place: 'cell', pod, warnings: [] };
  const routing = router(pod);
  const { verdict, refusal } = routing;
  const decision = [verdict.decision, verdict.reason, verdict.detail].filter((word) => word !== undefined).join(': ');
  const stranded = 'it selects the virtual node, which it is kept from: no node is left for it, and it stays Pending';
  const warnings = [
    ...unlessUndefined(placementWarning(pod.metadata.labels ?? {})),
    ...(routing.isStranded && refusal === undefined ? [stranded] : []),
  ];
  const refused = refusal === undefined ? {} : { refusal };
  return { place: placeFor(routing), pod: routing.pod, decision, ...refused, warnings };
}
