import type { V1Affinity, V1TopologySpreadConstraint } from '@kubernetes/client-node';
import { type Constraints, HOSTNAME_LABEL, type PodTerm } from '../../src/core/constraints.ts';
import { tidied } from './admitted-pod.ts';
import type { TargetNode } from './target.ts';

/** Parts of a pod that speak of other pods. */
export interface Neighbours {
  readonly affinity: V1Affinity;
  readonly spread: readonly V1TopologySpreadConstraint[];
}

function isByHost({ topologyKey }: { readonly topologyKey: string }): boolean {
  return topologyKey === HOSTNAME_LABEL;
}

/**
 * Takes out what a cell of one's own makes true: required anti-affinity and required spread by host. On the one Node
 * they would let one pod in. What only prefers stays, for it weighs nothing where there is one node to choose.
 */
export function liftIsolation({ affinity, spread }: Neighbours): Neighbours & { readonly constraints: Constraints } {
  const anti = affinity.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const apart = anti.filter(isByHost) as unknown as PodTerm[];
  const isLifted = (one: V1TopologySpreadConstraint) => isByHost(one) && one.whenUnsatisfiable === 'DoNotSchedule';
  const lifted = spread.filter(isLifted) as unknown as PodTerm[];
  const podAntiAffinity = {
    ...affinity.podAntiAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: anti.filter((term) => !isByHost(term)),
  };
  return {
    affinity: apart.length === 0 ? affinity : tidied({ ...affinity, podAntiAffinity }),
    spread: spread.filter((one) => !isLifted(one)),
    constraints: {
      ...(apart.length === 0 ? {} : { apart }),
      ...(lifted.length === 0 ? {} : { spread: lifted }),
    },
  };
}

/** Whether the pod requires others on its host. Spread over hosts is true of cells of one's own; nobody counts on shared ones. */
export function sharesItsHost({ affinity }: Neighbours): boolean {
  return affinity.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.some(isByHost) === true;
}

/** The field that asks for a topology which no virtual node has a place in, or undefined. */
export function strangeTopology({ affinity, spread }: Neighbours, nodes: readonly TargetNode[]): string | undefined {
  const isStrange = ({ topologyKey }: { readonly topologyKey: string }) =>
    !nodes.some(({ labels }) => Object.hasOwn(labels, topologyKey));
  const together = affinity.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  if (together.some(isStrange)) return 'spec.affinity.podAffinity';
  const required = spread.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule');
  return required.some(isStrange) ? 'spec.topologySpreadConstraints' : undefined;
}
