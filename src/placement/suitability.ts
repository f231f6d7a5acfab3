import type { WirePod } from '../kube/wire-pod.ts';

/** Why a pod can't run on a cell at all, with the remedy, or undefined when it can. */
export function unsuitability(pod: WirePod): string | undefined {
  const owners = pod.metadata.ownerReferences as readonly { kind: string; name: string }[] | undefined;
  const owner = owners?.find(({ kind }) => kind === 'DaemonSet');
  if (owner !== undefined) {
    return `DaemonSet ${owner.name} does not run on cells; exclude the virtual node from its node affinity`;
  }
  const volume = pod.spec.volumes?.find(({ persistentVolumeClaim, ephemeral }) => persistentVolumeClaim ?? ephemeral);
  if (volume !== undefined) {
    return `volume ${volume.name} needs a persistent volume, which can not be attached to a cell; run the pod on a regular node`;
  }
  return undefined;
}
