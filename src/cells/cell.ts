import type { CellMachine, CellPhase, CellPool, CellPurpose } from '../core/cell.ts';
import type { CellClass } from '../core/cell-class.ts';
import type { Offering } from '../core/offerings.ts';
import type { Resources } from '../core/resources.ts';

/** A pod that a cell runs, or is to run. */
export interface Member {
  readonly uid: string;
  /** `namespace/name`. */
  readonly pod: string;
  /** True once the pod is shown to the cell; never false again. */
  handedOver: boolean;
  /** True once the pod is no reason for the cell any more, though it is still there. */
  done: boolean;
}

/** An agent as one cell has it: its pod is in every cell under one uid, and in each it has a status of its own. */
export interface SeatedAgent {
  readonly uid: string;
  /** `namespace/name`. */
  readonly pod: string;
  readonly seatedAtMs: number;
  /** What the cell's kubelet has told of it, as it came; undefined until it tells. */
  status?: Readonly<Record<string, unknown>>;
}

/** One cell as the provider's process knows it; rebuilt from the cloud and the pods at every start. */
export interface Cell {
  readonly cellId: string;
  /** The pod that it was launched for, or that has claimed it; empty while it waits in a pool. */
  readonly podUid: string;
  /** `namespace/name` of that pod. */
  readonly pod: string;
  readonly purpose?: CellPurpose;
  /** The pool that it waits in, or has waited in. */
  readonly pool?: CellPool;
  /** When a pod has claimed it. */
  readonly claimedMs?: number;
  /** By uid. */
  readonly members: ReadonlyMap<string, Member>;
  /** By uid. They are no reason for the cell. */
  readonly agents: ReadonlyMap<string, SeatedAgent>;
  /** False while it is to be found out which agents it has: its kubelet ends what it is not shown. */
  agentsKnown: boolean;
  phase: CellPhase;
  /** Known once the cloud has accepted the launch. */
  machine?: CellMachine;
  /** What was chosen; unknown for a cell found at start. */
  offering?: Offering;
  /** What it may be launched as instead, as the cloud chooses. */
  alternatives?: readonly Offering[] | undefined;
  /** What it is launched by; unknown for a cell found at start. */
  cellClass?: CellClass;
  /** Milliseconds since the epoch at which each phase was entered, as far as this process saw it. */
  readonly enteredMs: Partial<Record<CellPhase, number>>;
  /** Last sign of life of its kubelet. */
  lastSeenMs?: number;
  /** What its kubelet reported that it can give to pods. */
  allocatable?: Resources;
  /** How many pods its kubelet takes at once. */
  podSlots?: number;
  /** The kubelet's own Ready condition. */
  kubeletReady: boolean;
  /** As old as it may become: its pods are evicted, and no other is to join them. */
  expired?: boolean;
  /** The cloud has given notice that it ends: no pod is to join those on it. */
  interrupted?: boolean;
  /** Why it ends or was lost, for people. */
  reason?: string;
}

/** Name of the class of a cell; undefined for a machine that the cloud's list lacks, or says no class of. */
export function classNameOf({ cellClass, machine }: Cell): string | undefined {
  return cellClass?.name ?? machine?.tags.cellClass;
}

/** Whether a cell waits in a pool for a pod, or is on its way there. */
export function isWarm({ pool, podUid }: Cell): boolean {
  return pool !== undefined && podUid === '';
}

/** Whether a cell is a pod's that is not written on its machine yet: it must not be shown the pod before. */
export function owesTags({ pool, podUid, machine }: Cell): boolean {
  return pool !== undefined && podUid !== '' && machine !== undefined && machine.tags.podUid !== podUid;
}

/** When a cell entered each phase, as its pod had to wait for it: nothing of a warm cell's was before its claim. */
export function enteredForPod({ enteredMs, claimedMs = 0 }: Cell): Partial<Record<CellPhase, number>> {
  return Object.fromEntries(Object.entries(enteredMs).map(([phase, ms]) => [phase, Math.max(ms, claimedMs)]));
}

/** Phases in which a cell is on its way to its pod. */
export function isOnItsWay(cell: Cell): boolean {
  return cell.phase === 'requested' || cell.phase === 'launching' || cell.phase === 'booting';
}

/** Phases in which a cell's certificate is good and its kubelet is served. */
export function isServed(cell: Cell): boolean {
  return isOnItsWay(cell) || cell.phase === 'ready' || cell.phase === 'running';
}

/** The pods that are shown to a cell. */
export function shownMembers(cell: Cell): readonly Member[] {
  return [...cell.members.values()].filter(({ handedOver }) => handedOver);
}

/** The members that come before one: those that the cell has been shown, and those that joined earlier. */
export function membersBefore(cell: Cell, uid: string): readonly Member[] {
  const members = [...cell.members.values()];
  const place = members.findIndex((member) => member.uid === uid);
  return members.filter((member, at) => member.uid !== uid && (member.handedOver || at < place));
}

/** Whether a pod is a reason for the cell. */
export function isNeeded(cell: Cell): boolean {
  return [...cell.members.values()].some(({ done }) => !done);
}

/** Whether a member of a cell is a reason for it, beside the one of this uid. */
export function isNeededByOthers(cell: Cell, uid: string): boolean {
  return [...cell.members.values()].some((member) => member.uid !== uid && !member.done);
}
