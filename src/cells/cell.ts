import type { CellMachine, CellPhase } from '../core/cell.ts';
import type { Offering } from '../core/offerings.ts';
import type { Resources } from '../core/resources.ts';

/** One cell as the provider's process knows it; rebuilt from the cloud and the pods at every start. */
export interface Cell {
  readonly cellId: string;
  readonly podUid: string;
  /** `namespace/name`. */
  readonly pod: string;
  phase: CellPhase;
  /** Known once the cloud has accepted the launch. */
  machine?: CellMachine;
  /** What was chosen; unknown for a cell found at start. */
  offering?: Offering;
  /** Milliseconds since the epoch at which each phase was entered, as far as this process saw it. */
  readonly enteredMs: Partial<Record<CellPhase, number>>;
  /** Last sign of life of its kubelet. */
  lastSeenMs?: number;
  /** What its kubelet reported that it can give to pods. */
  allocatable?: Resources;
  /** The kubelet's own Ready condition. */
  kubeletReady: boolean;
  /** True once its pod is shown to it; never false again. */
  handedOver: boolean;
  /** Why it ends or was lost, for people. */
  reason?: string;
}

/** Phases in which a cell is on its way to its pod. */
export function isOnItsWay(cell: Cell): boolean {
  return cell.phase === 'requested' || cell.phase === 'launching' || cell.phase === 'booting';
}

/** Phases in which a cell's certificate is good and its kubelet is served. */
export function isServed(cell: Cell): boolean {
  return isOnItsWay(cell) || cell.phase === 'ready' || cell.phase === 'running';
}
