import type { Cell } from '../cells/cell.ts';
import type { Resources } from '../core/resources.ts';
import type { WirePod } from '../kube/wire-pod.ts';

/** The agents of cells, as far as their pods are concerned. */
export interface AgentGate {
  /** The required agents that are not Ready on a cell, each with why not. */
  awaitedOn(cell: Cell): readonly string[];
  /** What the required agents request together. */
  requiredRequest(): Resources;
  /** Whether a required agent has its pod, and a cell too little CPU or memory for it beside its pods and other agents. */
  lacksRoom(cell: Cell): boolean;
  /** The pods of the agents that a cell has. */
  podsOn(cell: Cell): readonly WirePod[];
}
