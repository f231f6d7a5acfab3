import type { CellMachine } from '../core/cell.ts';
import type { Book } from './book.ts';

/** What a pod says of its cell. */
export interface Binding {
  /** Of the pod. */
  readonly uid: string;
  readonly cellId?: string;
  readonly handedOver: boolean;
}

/**
 * Puts every machine of the cloud that a pod still names into an empty book. Machines that no pod names are left to
 * the census; pods whose machine is missing are left to the pod controller.
 */
export function adopt(book: Book, machines: readonly CellMachine[], bindings: readonly Binding[]): number {
  const byUid = new Map(bindings.map((binding) => [binding.uid, binding]));
  let adopted = 0;
  for (const machine of machines) {
    const { cellId, podUid, pod } = machine.tags;
    const binding = byUid.get(podUid);
    if (binding?.cellId !== cellId) continue;
    const gone = machine.state === 'ended' || machine.state === 'ending';
    const cell = book.add({ cellId, podUid, pod }, gone ? 'lost' : binding.handedOver ? 'running' : 'booting');
    cell.enteredMs.requested = machine.createdAtMs;
    cell.handedOver = binding.handedOver;
    if (gone) cell.reason = machine.reason ?? 'its machine ended while nobody watched';
    book.seen(cell, machine);
    adopted += 1;
  }
  return adopted;
}
