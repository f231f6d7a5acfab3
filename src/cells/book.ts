import type { V1Node } from '@kubernetes/client-node';
import type { AgentBook, CellBook, CellReports, KnownCell, PodStatus } from '../cell-api/ports.ts';
import type { ResourceList } from '../core/amounts.ts';
import type { CellMachine, CellPhase } from '../core/cell.ts';
import type { Clock } from '../core/clock.ts';
import { NodelessError } from '../core/errors.ts';
import { NOTHING, resourcesOf } from '../core/resources.ts';
import { hasCondition } from '../kube/objects.ts';
import { type Cell, isOnItsWay, isServed, isWarm, type Member, type SeatedAgent, shownMembers } from './cell.ts';

/** A cell as the book itself changes it. */
type OwnCell = Omit<Cell, 'members' | 'agents' | 'podUid' | 'pod' | 'claimedMs'> & {
  readonly members: Map<string, Member>;
  readonly agents: Map<string, SeatedAgent>;
  podUid: string;
  pod: string;
  claimedMs?: number;
};

/** A pod that takes part in a cell. */
export type Joining = Pick<Member, 'uid' | 'pod'> & Partial<Pick<Member, 'handedOver'>>;

type ShowListener = (podUid: string) => void;

/**
 * The cells that this process knows, by id and by pod. It decides nothing: the pod controller and the fleet write
 * to it, the cell API, the health check and the projection read it.
 */
export class Book implements CellBook, AgentBook, CellReports {
  readonly #cells = new Map<string, OwnCell>();
  readonly #byPod = new Map<string, Cell>();
  readonly #showListeners = new Map<string, Set<ShowListener>>();
  readonly #changeListeners = new Set<(cell: Cell) => void>();
  readonly #clock: Clock;
  #complete = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get complete(): boolean {
    return this.#complete;
  }

  /** Called once, when every cell of the cloud and every binding of a pod is in the book. */
  markComplete(): void {
    this.#complete = true;
  }

  cells(): IterableIterator<Cell> {
    return this.#cells.values();
  }

  get size(): number {
    return this.#cells.size;
  }

  get(cellId: string): Cell | undefined {
    return this.#cells.get(cellId);
  }

  /** The newest cell of a pod. */
  ofPod(podUid: string): Cell | undefined {
    return this.#byPod.get(podUid);
  }

  /** Calls back with a cell after each change of it; the returned function ends that. */
  onChange(listener: (cell: Cell) => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /**
   * Enters a new cell, with the pod that it was launched for as its member unless told otherwise.
   * @throws NodelessError Denied when the id is another pod's: a cell is never given twice.
   */
  add(
    identity: Pick<Cell, 'cellId' | 'podUid' | 'pod' | 'purpose' | 'pool'>,
    phase: CellPhase,
    members: readonly Joining[] = [{ uid: identity.podUid, pod: identity.pod }],
  ): Cell {
    const holder = this.#cells.get(identity.cellId);
    if (holder !== undefined) {
      const message = `cell ${identity.cellId} is the cell of pod ${holder.pod} already`;
      throw new NodelessError({ code: 'Denied', message, identity: { cell: identity.cellId, pod: identity.pod } });
    }
    const cell: OwnCell = {
      ...identity,
      members: new Map(),
      agents: new Map(),
      agentsKnown: true,
      phase,
      enteredMs: { [phase]: this.#clock.now() },
      kubeletReady: false,
    };
    this.#cells.set(cell.cellId, cell);
    for (const member of members) this.#enroll(cell, member);
    this.#changed(cell);
    return cell;
  }

  /** Gives a cell that waits in a pool to a pod. @throws NodelessError Denied where a pod has it */
  claim(cell: Cell, { uid, pod }: Joining): void {
    const own = this.#cells.get(cell.cellId);
    if (own !== cell || !isWarm(cell) || cell.members.size > 0) {
      const message = `cell ${cell.cellId} waits for no pod`;
      throw new NodelessError({ code: 'Denied', message, identity: { cell: cell.cellId, pod } });
    }
    own.podUid = uid;
    own.pod = pod;
    own.claimedMs = this.#clock.now();
    this.#enroll(own, { uid, pod });
    this.#changed(own);
  }

  /** Takes a claim back that was written nowhere: the cell waits again, unless others have joined it meanwhile: they need another. */
  unclaim(cell: Cell): void {
    const own = this.#cells.get(cell.cellId);
    if (own !== cell || own.pool === undefined || shownMembers(own).length > 0) return;
    own.members.delete(own.podUid);
    if (this.#byPod.get(own.podUid) === own) this.#byPod.delete(own.podUid);
    if (own.members.size > 0) {
      this.enter(own, 'lost', 'the claim of its first pod was not written');
      return;
    }
    own.podUid = '';
    own.pod = '';
    delete own.claimedMs;
    this.#changed(own);
  }

  /** Gives a pod a place in a cell that is there already. */
  join(cell: Cell, member: Joining): void {
    const own = this.#cells.get(cell.cellId);
    if (own !== cell) return;
    this.#enroll(own, member);
    this.#changed(own);
  }

  /** Takes a pod's place away, without an end of the cell. */
  leave(cell: Cell, podUid: string): void {
    const own = this.#cells.get(cell.cellId);
    if (own !== cell || !own.members.delete(podUid)) return;
    if (this.#byPod.get(podUid) === cell) this.#byPod.delete(podUid);
    this.#changed(own);
  }

  /** A pod is no reason for its cell any more; what it has there stays until the pod is gone. */
  retire(cell: Cell, podUid: string): void {
    const member = cell.members.get(podUid);
    if (member === undefined || member.done) return;
    member.done = true;
    this.#changed(cell);
  }

  #enroll(cell: OwnCell, { uid, pod, handedOver = false }: Joining): void {
    cell.members.set(uid, { uid, pod, handedOver, done: false });
    this.#byPod.set(uid, cell);
  }

  enter(cell: Cell, phase: CellPhase, reason?: string): void {
    if (cell.phase === phase) return;
    cell.phase = phase;
    cell.enteredMs[phase] = this.#clock.now();
    if (reason !== undefined) cell.reason = reason;
    this.#changed(cell);
  }

  /** A cell's machine is switched off: what its kubelet has told of itself holds no more. */
  halt(cell: Cell): void {
    cell.kubeletReady = false;
    delete cell.lastSeenMs;
    delete cell.enteredMs.ready;
    this.enter(cell, 'stopped');
  }

  /** Records what the cloud says of a cell's machine. */
  seen(cell: Cell, machine: CellMachine): void {
    cell.machine = machine;
    this.#changed(cell);
  }

  /** Shows a pod to its cell's kubelet. The caller has recorded the hand-over durably before. */
  handOver(cell: Cell, podUid: string): void {
    const member = cell.members.get(podUid);
    if (member === undefined) return;
    member.handedOver = true;
    this.enter(cell, 'running');
    this.#show(cell.cellId, podUid);
  }

  /** What the cell is shown of a pod has changed. */
  #show(cellId: string, podUid: string): void {
    for (const listener of this.#showListeners.get(cellId) ?? []) listener(podUid);
  }

  /** Shows an agent to a cell's kubelet. */
  seatAgent(cell: Cell, { uid, pod }: Pick<SeatedAgent, 'uid' | 'pod'>): void {
    const own = this.#cells.get(cell.cellId);
    if (own !== cell || own.agents.has(uid)) return;
    own.agents.set(uid, { uid, pod, seatedAtMs: this.#clock.now() });
    this.#show(cell.cellId, uid);
  }

  /** Takes an agent out of a cell: its kubelet has ended it, or it is gone. */
  unseatAgent(cellId: string, uid: string): void {
    if (this.#cells.get(cellId)?.agents.delete(uid) === true) this.#show(cellId, uid);
  }

  agentStatus(cellId: string, uid: string): { readonly status?: PodStatus } | undefined {
    return this.#cells.get(cellId)?.agents.get(uid);
  }

  tellAgent(cellId: string, uid: string, status: PodStatus): void {
    const cell = this.#cells.get(cellId);
    const agent = cell?.agents.get(uid);
    if (cell === undefined || agent === undefined) return;
    agent.status = status;
    this.#show(cellId, uid);
    // A pod may wait for it.
    if (isWarm(cell) || shownMembers(cell).length < cell.members.size) this.#changed(cell);
  }

  knowsAgents(cellId: string): boolean {
    return this.#cells.get(cellId)?.agentsKnown !== false;
  }

  /**
   * A second key has used the cell's bootstrap token. A copy may be about, or the answer to the first was lost and the
   * kubelet asks with a new key, which it always does; both end well when the cell is replaced before it is shown a pod.
   */
  distrust(cellId: string): void {
    const cell = this.#cells.get(cellId);
    const isUnused = cell?.phase === 'ready' && shownMembers(cell).length === 0;
    if (cell !== undefined && (isOnItsWay(cell) || isUnused))
      this.enter(cell, 'lost', 'its bootstrap token was used by a second key');
  }

  /** Forgets a cell whose end the cloud has confirmed. */
  remove(cell: Cell): void {
    this.#cells.delete(cell.cellId);
    for (const uid of cell.members.keys()) if (this.#byPod.get(uid) === cell) this.#byPod.delete(uid);
    this.#showListeners.delete(cell.cellId);
    this.#changed(cell);
  }

  find(cellId: string): KnownCell | undefined {
    const cell = this.#cells.get(cellId);
    if (cell === undefined || !isServed(cell)) return undefined;
    const { machine, offering } = cell;
    return {
      cellId,
      addresses: machine?.addresses ?? [],
      instanceType: machine?.instanceType ?? offering?.instanceType ?? '',
      zone: machine?.zone ?? offering?.zone ?? '',
      arch: machine?.arch ?? offering?.arch ?? '',
      allocatable: machine?.allocatable ?? offering?.allocatable ?? NOTHING,
    };
  }

  podUids(cellId: string): ReadonlySet<string> {
    const cell = this.#cells.get(cellId);
    return new Set(cell === undefined ? [] : [...shownMembers(cell).map(({ uid }) => uid), ...cell.agents.keys()]);
  }

  onShown(cellId: string, listener: ShowListener): () => void {
    const listeners = this.#showListeners.get(cellId) ?? new Set();
    this.#showListeners.set(cellId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#showListeners.delete(cellId);
    };
  }

  heartbeat(cellId: string): void {
    const cell = this.#cells.get(cellId);
    if (cell !== undefined) cell.lastSeenMs = this.#clock.now();
  }

  nodeStatus(cellId: string, node: V1Node): void {
    const cell = this.#cells.get(cellId);
    // What a kubelet said as it was switched off may come late.
    if (cell === undefined || cell.phase === 'stopped') return;
    cell.lastSeenMs = this.#clock.now();
    const allocatable = node.status?.allocatable as ResourceList | undefined;
    cell.allocatable = resourcesOf(allocatable);
    if (allocatable?.pods !== undefined) cell.podSlots = Number(allocatable.pods);
    const ready = hasCondition(node, 'Ready');
    if (ready === cell.kubeletReady && shownMembers(cell).length === cell.members.size) return;
    cell.kubeletReady = ready;
    this.#changed(cell);
  }

  #changed(cell: Cell): void {
    for (const listener of this.#changeListeners) listener(cell);
  }
}
