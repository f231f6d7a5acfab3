import type { V1PodSpec } from '@kubernetes/client-node';
import { type TieKind, tiesOf } from '../core/node-ties.ts';
import type { WirePod } from '../kube/wire-pod.ts';

const ON_A_REGULAR_NODE = 'run the pod on a regular node';

/** What a tie that no cell can have needs, by its kind. */
const NEEDS: Partial<Readonly<Record<TieKind, string>>> = {
  'persistent-volume': 'a persistent volume, which can not be attached to a cell',
  'attached-volume': 'a persistent volume, which can not be attached to a cell',
  'csi-volume': 'a CSI driver that no cell has (routing.csiDrivers names those that cells have)',
};

type Obstacle = (pod: WirePod, csiDrivers: readonly string[]) => string | undefined;

/** What takes the whole of a pod; each says why, and the remedy. */
const OBSTACLES: readonly Obstacle[] = [
  ({ spec }, csiDrivers) => {
    const tie = tiesOf(spec, csiDrivers).find(({ impossible }) => impossible);
    return tie && `${tie.field} needs ${NEEDS[tie.kind]}; ${ON_A_REGULAR_NODE}`;
  },
  ({ spec }) => {
    const [claim] = (spec as V1PodSpec).resourceClaims ?? [];
    return (
      claim &&
      `resource claim ${claim.name} needs a device driver, which no cell has; request an extended resource, or ${ON_A_REGULAR_NODE}`
    );
  },
];

/**
 * Why a pod can't run on a cell at all, with the remedy, or undefined when it can. Said again of pods that came past the
 * webhook. What a cell can give to a pod that was bound to it on purpose is no obstacle: a host path, the host's network
 * and privileges are its machine's own; a pod for another operating system is for the kubelet to reject, as on any node.
 */
export function unsuitability(pod: WirePod, csiDrivers: readonly string[]): string | undefined {
  for (const obstacle of OBSTACLES) {
    const found = obstacle(pod, csiDrivers);
    if (found !== undefined) return found;
  }
  return undefined;
}
