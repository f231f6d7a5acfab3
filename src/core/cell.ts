import type { CapacityScope } from './capacity-scope.ts';
import type { LaunchType } from './offerings.ts';
import type { Resources } from './resources.ts';

/**
 * A cell's life: requested → launching → booting → ready → running → ending → ended; lost from anywhere between. One that waits in
 * a pool may be stopped, and then boots again.
 */
export const CELL_PHASES = [
  'requested',
  'launching',
  'booting',
  'ready',
  'stopped',
  'running',
  'ending',
  'ended',
  'lost',
] as const;
export type CellPhase = (typeof CELL_PHASES)[number];

/** What a cell is for, where it is not for a pod and those that must be with it. */
export const NODE_CELL = 'node-cell';
export type CellPurpose = typeof NODE_CELL;

/** The WarmPool that a machine waits in for a pod, or has waited in. */
export interface CellPool {
  readonly name: string;
  readonly uid: string;
}

/** No WarmPool can have such a name. */
const RESERVE = 'reserve:';

/** What a machine waits in that is kept for the next pod of a controller: as a pool of that one alone. */
export function reserveFor({ name, uid }: CellPool): CellPool {
  return { name: `${RESERVE}${name}`, uid };
}

/** Whether a machine waits, or has waited, for the next pod of a controller and not in a WarmPool. */
export function isReserve(pool: CellPool | undefined): boolean {
  return pool?.name.startsWith(RESERVE) === true;
}

/** What is written on the cloud resource, so that any provider process can tell whose it is. */
export interface CellTags {
  readonly clusterUid: string;
  readonly virtualNode: string;
  readonly cellId: string;
  /**
   * `namespace/name` of the pod that the machine was launched for, or that has claimed it; others of its namespace may have
   * joined it. Both are empty while it waits in a pool.
   */
  readonly pod: string;
  readonly podUid: string;
  readonly pool?: CellPool;
  readonly purpose?: CellPurpose;
  /** Name of the CellClass that its budget counts to; absent on machines that an older provider launched. */
  readonly cellClass?: string;
}

/** Everything that a machine needs to become a cell's kubelet. */
export interface CellBootstrap {
  /** https URL of the cell API, reachable from the cell. */
  readonly cellApiUrl: string;
  /** PEM of the authority that signed the cell API's certificate, and that signs the cells' own. */
  readonly caPem: string;
  /** Name that the kubelet takes: the virtual node's. */
  readonly nodeName: string;
  /** Address of the cluster's DNS Service, and its domain. */
  readonly clusterDns: string;
  readonly clusterDomain: string;
}

/** What the end of a machine says of further launches: the cloud lacks, or refuses, what it was launched as. */
export interface EndCause {
  readonly code: 'InsufficientCapacity' | 'InvalidConfig';
  /** Without one: the offering of a lack, and all of the class of a refusal. */
  readonly scope?: CapacityScope;
}

/** One machine as its cloud tells of it. */
export interface CellMachine {
  readonly tags: CellTags;
  readonly instanceType: string;
  readonly launchType: LaunchType;
  readonly zone: string;
  readonly arch: string;
  readonly pricePerHourUsd: number;
  /** As it was of its offering. */
  readonly isPriceEstimated?: boolean;
  readonly allocatable: Resources;
  /** Addresses that the cell's kubelet may serve on; empty until the cloud has given them. */
  readonly addresses: readonly string[];
  readonly createdAtMs: number;
  /** The cloud's word: `ended` is final and precedes any claim that a cell is lost; `stopped` was asked for, and its disk is there. */
  readonly state: 'launching' | 'running' | 'stopped' | 'ending' | 'ended';
  /** Why it ended, in the cloud's words, when it said so. */
  readonly reason?: string;
  readonly endCause?: EndCause;
}
