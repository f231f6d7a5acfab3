import type { Logger } from 'pino';
import type { Book } from '../cells/book.ts';
import type { Cell } from '../cells/cell.ts';
import type { Fleet } from '../cells/fleet.ts';
import type { Clock } from '../core/clock.ts';
import { covers } from '../core/resources.ts';
import { effectiveRequest } from '../core/sizing.ts';
import type { CollectionReader } from '../kube/collection.ts';
import { revisionOf } from '../kube/objects.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import { type CellView, decide, type Step } from './decide.ts';
import { viewOf } from './pod-view.ts';
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
    const endCells = book.onChange((cell) => this.#queue.add(cell.podUid));
    signal.addEventListener('abort', () => [endPods(), endCells()], { once: true });
    for (const cell of book.cells()) this.#queue.add(cell.podUid);
    this.#queue.start(signal);
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
    const step = decide(pod && viewOf(pod), cell && cellViewOf(cell, pod), {
      nowMs: clock.now(),
      launchTimeoutMs,
      completedLingerMs,
      nodeIsReady: nodeIsReady(),
    });
    return this.#perform(step, pod, cell, signal);
  }

  async #perform(
    step: Step,
    pod: WirePod | undefined,
    cell: Cell | undefined,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    if (step.kind === 'nothing') return step.againMs;
    if (step.kind === 'endCell') {
      if (cell !== undefined) void this.#options.fleet.end(cell, step.reason);
      return undefined;
    }
    if (pod === undefined) return undefined;
    const again = () => this.#queue.add(pod.metadata.uid ?? '');
    const { againMs, pod: after } = await this.#options.steps.perform(step, pod, cell, again, signal);
    // The pod may have gone while we wrote to it: what is gone must not come back by an answer that is late.
    if (after !== undefined && this.#podsByUid.has(after.metadata.uid ?? '')) this.#observe(after);
    return againMs;
  }
}

function cellViewOf(cell: Cell, pod: WirePod | undefined): CellView {
  const { allocatable, kubeletReady, enteredMs, handedOver, phase, reason } = cell;
  const { booting } = enteredMs;
  return {
    phase,
    ...(booting === undefined ? {} : { acceptedAtMs: booting }),
    canTakePod: kubeletReady && pod !== undefined && allocatable !== undefined && coversPod(allocatable, pod),
    handedOver,
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Local disks are not offered by what a kubelet reports; everything else must be there, devices included. */
function coversPod(allocatable: Cell['allocatable'] & object, pod: WirePod): boolean {
  return covers(allocatable, { ...effectiveRequest(pod), ephemeralStorageBytes: 0 });
}
