import type { V1Container, V1PodSpec, V1Volume } from '@kubernetes/client-node';

export const TIE_KINDS = [
  'persistent-volume',
  'attached-volume',
  'csi-volume',
  'host-path',
  'host-network',
  'host-pid',
  'host-ipc',
  'privileged',
  'host-port',
] as const;
export type TieKind = (typeof TIE_KINDS)[number];

/** Something in a pod that ties it to the node it runs on. */
export interface Tie {
  readonly kind: TieKind;
  /** Where it is, such as `spec.volumes "data"`. */
  readonly field: string;
  /** True where no cell can have it; what is left is of the machine, and a cell is one too. */
  readonly impossible: boolean;
}

/** Volumes that the control plane attaches to a machine; it knows one machine for each Node. */
const ATTACHED = [
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
] as const satisfies readonly (keyof V1Volume)[];

function volumeTie(volume: V1Volume, csiDrivers: readonly string[]): Tie | undefined {
  const field = `spec.volumes "${volume.name}"`;
  if (volume.persistentVolumeClaim || volume.ephemeral) return { kind: 'persistent-volume', field, impossible: true };
  if (ATTACHED.some((source) => volume[source])) return { kind: 'attached-volume', field, impossible: true };
  // An inline volume is not attached, but its driver's node plugin mounts it, and that is a DaemonSet's.
  if (volume.csi && !csiDrivers.includes(volume.csi.driver)) return { kind: 'csi-volume', field, impossible: true };
  if (volume.hostPath) return { kind: 'host-path', field, impossible: false };
  return undefined;
}

function containersOf(spec: V1PodSpec): readonly (readonly [string, V1Container])[] {
  return [
    ...(spec.containers ?? []).map((one) => ['containers', one] as const),
    ...(spec.initContainers ?? []).map((one) => ['initContainers', one] as const),
    ...(spec.ephemeralContainers ?? []).map((one) => ['ephemeralContainers', one] as const),
  ];
}

/**
 * What makes a pod stateful, in the sense that it stays on a node: volumes that outlive it or are the node's, and the
 * node's own network, processes and devices. `csiDrivers` are those whose node plugins cells have.
 */
export function tiesOf(spec: V1PodSpec, csiDrivers: readonly string[]): readonly Tie[] {
  const ties: Tie[] = [];
  const add = (kind: TieKind, field: string) => ties.push({ kind, field, impossible: false });
  for (const volume of spec.volumes ?? []) {
    const tie = volumeTie(volume, csiDrivers);
    if (tie !== undefined) ties.push(tie);
  }
  if (spec.hostNetwork) add('host-network', 'spec.hostNetwork');
  if (spec.hostPID) add('host-pid', 'spec.hostPID');
  if (spec.hostIPC) add('host-ipc', 'spec.hostIPC');
  for (const [list, { name, securityContext, ports = [] }] of containersOf(spec)) {
    if (securityContext?.privileged) add('privileged', `spec.${list} "${name}" securityContext.privileged`);
    if (ports?.some(({ hostPort }) => hostPort)) add('host-port', `spec.${list} "${name}" hostPort`);
  }
  return ties;
}
