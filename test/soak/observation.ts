import type { CellAttack } from './actions.ts';

/** A pod of the virtual node, as the API server tells of it. */
export interface PodSeen {
  readonly uid: string;
  readonly name: string;
  /** The cell that its annotation names. */
  readonly cellId?: string;
  readonly phase: string;
  /** Of its status, such as CellLost. */
  readonly reason?: string;
  readonly ready: boolean;
  /** Its cell's kubelet has been shown it. */
  readonly handedOver: boolean;
  readonly deleting: boolean;
  /** True for a pod that is to end by itself. */
  readonly ofJob: boolean;
  readonly containers: readonly ContainerSeen[];
}

export interface ContainerSeen {
  readonly name: string;
  /** Empty until it was made. */
  readonly id: string;
  readonly restarts: number;
}

/** A machine, as the folders and processes of this host tell of it. */
export interface MachineSeen {
  readonly cellId: string;
  /** Empty while it waits in a pool for a pod. */
  readonly podUid: string;
  /** It was launched for a pool. */
  readonly ofPool: boolean;
  readonly createdAtMs: number;
  /** `begun`: its first process does not run yet. `ended`: it did, and does no more. */
  readonly state: 'begun' | 'running' | 'stopped' | 'ending' | 'ended';
  /** How many processes run each of its own programs. */
  readonly programs: Readonly<Record<MachineProgram, number>>;
  /** How often its kubelet's folder is mounted in it, and the uids of the pods whose volumes are. */
  readonly kubeletFolders: number;
  readonly volumesOf: readonly string[];
}

export const MACHINE_PROGRAMS = ['supervisor', 'containerd', 'kubelet'] as const;
export type MachineProgram = (typeof MACHINE_PROGRAMS)[number];

/** A mount of a cell that the host has: that of its network namespace, or one in its folder. */
export interface MountSeen {
  readonly cellId: string;
  readonly kind: 'namespace' | 'folder';
  readonly point: string;
}

/** Something that the soak did to a cell. */
export interface CellAttacked {
  readonly cellId: string;
  readonly kind: CellAttack;
  readonly atMs: number;
}

/** What is seen from outside at one moment. */
export interface Observation {
  readonly atMs: number;
  /** Since when a provider has led without a break and with the API server; undefined when none does. */
  readonly servingSinceMs?: number;
  /** True when the soak has started the provider and done nothing to it since. */
  readonly providerMustRun: boolean;
  readonly providerPids: readonly number[];
  /** Undefined when the API server did not answer. */
  readonly api?: ApiSeen;
  readonly machines: readonly MachineSeen[];
  /** Ids of cells that have a network namespace, and of those that have a cgroup. */
  readonly namespaces: readonly string[];
  readonly cgroups: readonly string[];
  readonly mounts: readonly MountSeen[];
  /** Everything that was done to cells until now. */
  readonly attacks: readonly CellAttacked[];
}

export interface ApiSeen {
  readonly pods: readonly PodSeen[];
  /** The virtual node's Ready condition. */
  readonly nodeReady: string;
  /** Names of the Cell objects. */
  readonly cells: readonly string[];
  /** How many cells are to wait in pools. */
  readonly warmCells: number;
}

/**
 * Something that must hold at every moment: called with each observation in turn, it tells what is wrong, one line for
 * each thing. It may remember what it has seen.
 */
export type Invariant = (seen: Observation) => readonly string[];

/** True for a machine that runs, or may run in a moment. */
export function isLive({ state }: MachineSeen): boolean {
  return state === 'begun' || state === 'running';
}

/** True for a machine that waits in a pool for a pod. */
export function isWaiting({ ofPool, podUid }: MachineSeen): boolean {
  return ofPool && podUid === '';
}

export function isFinished({ phase }: PodSeen): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

const ENDING: readonly CellAttack[] = ['killCell', 'killLaunch', 'deleteCell'];

/**
 * True when the soak has ended the cell, or tried to: a Cell object that is deleted while no provider watches is only
 * made again, and a launch that was killed may be finished by the next try, so after these the pod may be lost and need
 * not be.
 */
export function mayBeLost({ attacks }: Observation, cellId: string | undefined): boolean {
  return attacks.some((attack) => attack.cellId === cellId && ENDING.includes(attack.kind));
}
