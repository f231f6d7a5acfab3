import type { CellMachine, CellPhase, CellPurpose, CellTags } from '../core/cell.ts';
import { NODE_CELL } from '../core/cell.ts';
import type { Book } from './book.ts';
import { type Claim, isEntitled, isUnclaimed } from './entitlement.ts';

/** What a pod says of its cell. */
export interface Binding extends Claim {
  readonly cellId?: string;
  readonly finished: boolean;
  /** It asks for the node cell, or is a DaemonSet's. */
  readonly mayNeedNodeCell: boolean;
  /** It is an agent, and may be in any cell. */
  readonly injected: boolean;
}

function phaseOf(machine: CellMachine, handedOver: boolean): CellPhase {
  if (machine.state === 'ended' || machine.state === 'ending') return 'lost';
  // A pod that was given it gets another: who had it started again did not live to see it.
  if (machine.state === 'stopped') return isUnclaimed(machine.tags) ? 'stopped' : 'lost';
  if (handedOver) return 'running';
  // A launch that died half-way is asked for again, which finishes it.
  return machine.state === 'launching' ? 'requested' : 'booting';
}

/** Pods that have run on a machine that the list lacks: what the first of them would have had written on it holds for all. */
function membersOfUnlisted(bindings: readonly Binding[]): readonly Binding[] {
  const ran = bindings.filter(({ handedOver, finished }) => handedOver && !finished);
  const founder = ran.find(({ seeksCompany }) => !seeksCompany) ?? ran[0];
  if (founder === undefined) return [];
  if (founder.mayNeedNodeCell) return ran.filter(({ mayNeedNodeCell }) => mayNeedNodeCell);
  return [
    founder,
    ...ran.filter((one) => one !== founder && isEntitled({ podUid: founder.uid, pod: founder.pod }, one)),
  ];
}

/** What is written on a machine, or would be if the list did not lag: a pod that has run on it has it. */
function writtenOn({ tags }: CellMachine, bindings: readonly Binding[]): CellTags {
  const owner = isUnclaimed(tags) ? bindings.find(({ handedOver }) => handedOver) : undefined;
  return owner === undefined ? tags : { ...tags, pod: owner.pod, podUid: owner.uid };
}

/** A pod that a machine of a pool was given to, by what is written there, and that was not told of it any more. */
function untoldOwner({ state, tags }: CellMachine, untold: ReadonlyMap<string, Binding>): readonly Binding[] {
  const owner = state === 'running' && tags.pool !== undefined ? untold.get(tags.podUid) : undefined;
  return owner === undefined ? [] : [owner];
}

function adoptListed(book: Book, machine: CellMachine, bindings: readonly Binding[]): void {
  const tags = writtenOn(machine, bindings);
  const members = bindings.filter((binding) => isEntitled(tags, binding));
  // The node cell outlives its pods for a while, and a warm cell has none yet.
  const isThere = machine.state === 'running' || machine.state === 'launching';
  const lingers = isThere
    ? tags.purpose === NODE_CELL || isUnclaimed(tags)
    : machine.state === 'stopped' && isUnclaimed(tags);
  if (members.length === 0 && !lingers) return;
  const ran = members.some(({ handedOver }) => handedOver);
  const { cellId, podUid, pod, purpose, pool } = tags;
  const more = { ...(purpose === undefined ? {} : { purpose }), ...(pool === undefined ? {} : { pool }) };
  const identity = { cellId, podUid, pod, ...more };
  const cell = book.add(identity, phaseOf(machine, ran), members);
  if (cell.phase === 'lost') cell.reason = machine.reason ?? 'its machine ended while nobody watched';
  book.seen(cell, machine);
}

function adoptUnlisted(book: Book, cellId: string, bindings: readonly Binding[]): void {
  const members = membersOfUnlisted(bindings);
  const [founder] = members;
  if (founder === undefined) return;
  const purpose: { purpose?: CellPurpose } = founder.mayNeedNodeCell ? { purpose: NODE_CELL } : {};
  book.add({ cellId, podUid: founder.uid, pod: founder.pod, ...purpose }, 'running', members);
}

/**
 * Fills an empty book from the cloud's list and the pods. Machines that no pod names are left to the census. A running
 * pod whose machine is not in the list keeps its cell until the census has missed it long enough: a list may lag.
 * @returns how many cells were found again
 */
export function adopt(book: Book, machines: readonly CellMachine[], bindings: readonly Binding[]): number {
  const byCell = Map.groupBy(bindings, ({ cellId }) => cellId);
  const untold = new Map(
    (byCell.get(undefined) ?? []).filter(({ finished }) => !finished).map((binding) => [binding.uid, binding]),
  );
  for (const machine of machines) {
    const owner = untoldOwner(machine, untold);
    adoptListed(book, machine, [...(byCell.get(machine.tags.cellId) ?? []), ...owner]);
    // One is enough for a pod.
    for (const { uid } of owner) untold.delete(uid);
  }
  const listed = new Set(machines.map(({ tags }) => tags.cellId));
  for (const [cellId, named] of byCell) {
    if (cellId !== undefined && !listed.has(cellId)) adoptUnlisted(book, cellId, named);
  }
  // Or their kubelets would end what they are not shown.
  if (bindings.some(({ injected }) => injected)) for (const cell of book.cells()) cell.agentsKnown = false;
  return book.size;
}
