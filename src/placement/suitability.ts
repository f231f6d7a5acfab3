import type { V1PodSpec, V1Volume } from '@kubernetes/client-node';
import type { WirePod } from '../kube/wire-pod.ts';

const ON_A_REGULAR_NODE = 'run the pod on a regular node';

/** Volumes that stay where they are, or that a controller attaches to one Node by name, of which cells share one. */
const ATTACHED: readonly (keyof V1Volume)[] = [
  'persistentVolumeClaim',
  'ephemeral',
  'awsElasticBlockStore',
  'azureDisk',
  'cinder',
  'fc',
  'flexVolume',
  'gcePersistentDisk',
  'iscsi',
  'photonPersistentDisk',
  'portworxVolume',
  'rbd',
  'scaleIO',
  'storageos',
  'vsphereVolume',
];

type Obstacle = (pod: WirePod) => string | undefined;

/** What takes the whole of a pod; each says why, and the remedy. */
const OBSTACLES: readonly Obstacle[] = [
  ({ spec }) => {
    const volume = spec.volumes?.find((one) => ATTACHED.some((kind) => one[kind] !== undefined));
    return (
      volume &&
      `volume ${volume.name} needs a persistent volume, which can not be attached to a cell; ${ON_A_REGULAR_NODE}`
    );
  },
  ({ spec }) => {
    const volume = spec.volumes?.find(({ csi }) => csi !== undefined);
    return (
      volume?.csi &&
      `volume ${volume.name} needs the CSI driver ${volume.csi.driver}, which no cell has; ${ON_A_REGULAR_NODE}`
    );
  },
  ({ spec }) => {
    const [claim] = (spec as V1PodSpec).resourceClaims ?? [];
    return (
      claim &&
      `resource claim ${claim.name} needs a device driver, which no cell has; request an extended resource, or ${ON_A_REGULAR_NODE}`
    );
  },
  ({ spec }) =>
    spec.os?.name === 'windows'
      ? 'spec.os.name is windows, and cells run Linux; run the pod on a Windows node'
      : undefined,
];

/**
 * Why a pod can't run on a cell at all, with the remedy, or undefined when it can. Said again of pods that came past the
 * webhook. What a cell can give to a pod that was bound to it on purpose is no obstacle: a host path, the host's network
 * and privileges are its machine's own.
 */
export function unsuitability(pod: WirePod): string | undefined {
  for (const obstacle of OBSTACLES) {
    const found = obstacle(pod);
    if (found !== undefined) return found;
  }
  return undefined;
}
