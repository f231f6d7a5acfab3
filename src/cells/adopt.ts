import type { CellMachine, CellPhase } from '../core/cell.ts';
import type { Book } from './book.ts';

/** What a pod says of its cell. */
export interface Binding {
  /** Of the pod. */
  readonly uid: string;
  /** `namespace/name`. */
  readonly pod: string;
  readonly cellId?: string;
  readonly handedOver: boolean;
  readonly finished: boolean;
}

function phaseOf(machine: CellMachine, handedOver: boolean): CellPhase {
  if (machine.state === 'ended' || machine.state === 'ending') return 'lost';
  if (handedOver) return 'running';
  // A launch that died half-way is asked for again, which finishes it.
  return machine.state === 'launching' ? 'requested' : 'booting';
}

/**
 * Fills an empty book from the cloud's list and the pods. Machines that no pod names are left to the census. A running
 * pod whose machine is not in the list keeps its cell until the census has missed it long enough: a list may lag.
 * @returns how many cells were found again
 */
export function adopt(book: Book, machines: readonly CellMachine[], bindings: readonly Binding[]): number {
  const byId = new Map(machines.map((machine) => [machine.tags.cellId, machine]));
  for (const { uid, pod, cellId, handedOver, finished } of bindings) {
    if (cellId === undefined || book.get(cellId) !== undefined) continue;
    const machine = byId.get(cellId);
    if (machine !== undefined && machine.tags.podUid !== uid) continue;
    if (machine === undefined && (!handedOver || finished)) continue;
    const phase = machine === undefined ? 'running' : phaseOf(machine, handedOver);
    const cell = book.add({ cellId, podUid: uid, pod }, phase, [{ uid, pod, handedOver }]);
    if (cell.phase === 'lost') cell.reason = machine?.reason ?? 'its machine ended while nobody watched';
    if (machine !== undefined) book.seen(cell, machine);
  }
  return book.size;
}
