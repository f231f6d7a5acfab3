import type { WirePod } from '../kube/wire-pod.ts';

/** Why a pod can't run on a cell at all, with the remedy, or undefined when it can. */
export function unsuitability(pod: WirePod): string | undefined {
  const volume = pod.spec.volumes?.find(({ persistentVolumeClaim, ephemeral }) => persistentVolumeClaim ?? ephemeral);
  if (volume !== undefined) {
    return `volume ${volume.name} needs a persistent volume, which can not be attached to a cell; run the pod on a regular node`;
  }
  return undefined;
}
