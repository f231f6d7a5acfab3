import type { Logger } from 'pino';
import type { Book } from '../cells/book.ts';
import { type Cell, membersBefore } from '../cells/cell.ts';
import type { Fleet } from '../cells/fleet.ts';
import type { Clock } from '../core/clock.ts';
import type { CollectionReader } from '../kube/collection.ts';
import { revisionOf } from '../kube/objects.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import { type CellView, decide, type Step } from './decide.ts';
import { viewOf } from './pod-view.ts';
import { admits } from './room.ts';
import type { PodSteps } from './steps.ts';

export interface PodControllerOptions {
  readonly pods: CollectionReader<WirePod>;
  readonly book: Book;
  readonly fleet: Fleet;
  readonly steps: PodSteps;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly launchTimeoutMs: number;
  readonly completedLingerMs: number;
  readonly concurrency: number;
  /** False while another process may lead: no step is taken then. */
  readonly mayAct: () => boolean;
  /** The virtual node's own Ready condition, as the API server has it. */
  readonly nodeIsReady: () => boolean;
}

/** How often it is looked whether the lease is held again. */
const LEASE_LOOK_MS = 500;

/** Brings each pod of the virtual node to its cell, and each cell to its end; serial per pod, level-triggered. */
export class PodController {
  readonly #options: PodControllerOptions;
  readonly #queue: WorkQueue;
  readonly #podsByUid = new Map<string, WirePod>();

  constructor(options: PodControllerOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({
      name: 'pods',
      work: (uid, signal) => this.#reconcile(uid, signal),
      concurrency: options.concurrency,
      clock: options.clock,
      logger: options.logger,
    });
  }

  /** Begins to work; call once the book is complete and the pods are synced. */
  start(signal: AbortSignal): void {
    const { pods, book } = this.#options;
    for (const pod of pods.items()) this.#observe(pod);
    const endPods = pods.subscribe(({ type, object }) =>
      type === 'DELETED' ? this.#gone(object) : this.#observe(object),
    );
    const endCells = book.onChange((cell) => this.#queueMembers(cell));
    signal.addEventListener('abort', () => [endPods(), endCells()], { once: true });
    for (const cell of book.cells()) this.#queueMembers(cell);
    this.#queue.start(signal);
  }

  #queueMembers(cell: Cell): void {
    for (const uid of cell.members.keys()) this.#queue.add(uid);
  }

  /** Keeps the newest state of a pod: an answer to a write of ours overtakes the watch. */
  #observe(pod: WirePod): void {
    const uid = pod.metadata.uid ?? '';
    const known = this.#podsByUid.get(uid);
    if (known === undefined || revisionOf(known) <= revisionOf(pod)) this.#podsByUid.set(uid, pod);
    this.#queue.add(uid);
  }

  #gone(pod: WirePod): void {
    const uid = pod.metadata.uid ?? '';
    this.#podsByUid.delete(uid);
    this.#options.steps.forget(uid);
    this.#queue.add(uid);
  }

  async #reconcile(uid: string, signal: AbortSignal): Promise<number | undefined> {
    const { book, clock, launchTimeoutMs, completedLingerMs, mayAct, nodeIsReady } = this.#options;
    if (!mayAct()) return LEASE_LOOK_MS;
    const pod = this.#podsByUid.get(uid);
    const cell = book.ofPod(uid);
    const step = decide(pod && viewOf(pod), cell && this.#cellViewOf(cell, uid), {
      nowMs: clock.now(),
      launchTimeoutMs,
      completedLingerMs,
      nodeIsReady: nodeIsReady(),
    });
    return this.#perform(step, uid, cell, signal);
  }

  async #perform(step: Step, uid: string, cell: Cell | undefined, signal: AbortSignal): Promise<number | undefined> {
    if (step.kind === 'nothing') return step.againMs;
    if (step.kind === 'endCell') {
      if (cell !== undefined) this.#options.steps.endCell(cell, uid, step);
      return undefined;
    }
    const pod = this.#podsByUid.get(uid);
    if (pod === undefined) return undefined;
    const again = () => this.#queue.add(uid);
    const { againMs, pod: after } = await this.#options.steps.perform(step, pod, cell, again, signal);
    // The pod may have gone while we wrote to it: what is gone must not come back by an answer that is late.
    if (after !== undefined && this.#podsByUid.has(after.metadata.uid ?? '')) this.#observe(after);
    return againMs;
  }

  #cellViewOf(cell: Cell, uid: string): CellView {
    const { kubeletReady, enteredMs, phase, reason } = cell;
    const { booting } = enteredMs;
    return {
      phase,
      ...(booting === undefined ? {} : { acceptedAtMs: booting }),
      canTakePod: kubeletReady && this.#coversPod(cell, uid),
      handedOver: cell.members.get(uid)?.handedOver === true,
      ...(reason === undefined ? {} : { reason }),
    };
  }

  /** Whether what the cell's kubelet can give covers the pod beside those that have it, or had a place before. */
  #coversPod(cell: Cell, uid: string): boolean {
    const pod = this.#podsByUid.get(uid);
    if (pod === undefined || cell.allocatable === undefined) return false;
    const others = membersBefore(cell, uid).flatMap((member) => this.#podsByUid.get(member.uid) ?? []);
    return admits(cell.allocatable, others, pod);
  }
}
