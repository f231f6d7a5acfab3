import type { Cell } from '../cells/cell.ts';
import type { Resources } from '../core/resources.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import type { Standing } from '../placement/admission.ts';

/** What a pod asks of a cell that was not chosen for it. */
export interface Wanted {
  readonly need: Resources;
  /** Whether it may be on a machine, whatever room that has. */
  readonly mayBeOn: (on: Standing) => boolean;
  /** Whether there is room for it beside the cell's agents. */
  readonly hasRoomOn: (cell: Cell) => boolean;
}

/** The cells that wait in pools, as pods look for them. */
export interface WarmCells {
  /** Whether a pool may be for a pod, by its labels and namespace. */
  isFor(pod: WirePod): boolean;
  /** Gives a pod the cheapest cell that will do: it is no other's from then on. Undefined where it does better with a new one. */
  take(pod: WirePod, wanted: Wanted): Cell | undefined;
  /** Nothing has come of a claim: the cell waits again. */
  giveBack(cell: Cell): void;
  /**
   * A pod waits for the budget of a class: of the cells that wait in pools so many end that it can have one, where the end of
   * some is enough for that. Nothing while those that it was left before are about to end.
   */
  yieldBudget(
    podUid: string,
    className: string,
    isEnough: (cellIds: readonly string[]) => Promise<boolean>,
  ): Promise<void>;
  /** A pod is gone. */
  forget(podUid: string): void;
}
