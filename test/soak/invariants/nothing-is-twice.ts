import { type Invariant, isLive, MACHINE_PROGRAMS, type MachineSeen, type Observation } from '../observation.ts';

function doublesOf({ cellId, podUid, programs, kubeletFolders, volumesOf }: MachineSeen): readonly string[] {
  const foreign = volumesOf.filter((uid) => uid !== podUid);
  return [
    ...MACHINE_PROGRAMS.filter((name) => programs[name] > 1).map((name) => `${programs[name]} times ${name}`),
    ...(kubeletFolders > 1 ? [`its kubelet's folder ${kubeletFolders} times`] : []),
    ...foreign.map((uid) => `volumes of pod ${uid}`),
  ].map((what) => `cell ${cellId} of pod ${podUid} has ${what}`);
}

function strayMounts({ mounts }: Observation): readonly string[] {
  return mounts
    .filter(({ kind }) => kind === 'folder')
    .map(({ cellId, point }) => `the host sees the mount ${point} of cell ${cellId}`);
}

/**
 * A launch that is repeated finds what was launched: no machine ever has two supervisors, containerds or kubelets, mounts
 * its folder twice, or has another pod's volumes, and what it mounts nobody outside sees.
 */
export function nothingIsTwice(): Invariant {
  return (seen) => [...seen.machines.filter(isLive).flatMap(doublesOf), ...strayMounts(seen)];
}
