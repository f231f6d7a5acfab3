import { randomInt } from 'node:crypto';
import type { Logger } from 'pino';
import type { Book } from '../cells/book.ts';
import type { Cell } from '../cells/cell.ts';
import type { Fleet } from '../cells/fleet.ts';
import type { Clock } from '../core/clock.ts';
import { isNodelessError, messageOf } from '../core/errors.ts';
import { covers } from '../core/resources.ts';
import { effectiveRequest } from '../core/sizing.ts';
import type { Collection } from '../kube/collection.ts';
import type { EventRecorder } from '../kube/events.ts';
import { revisionOf } from '../kube/objects.ts';
import { podName, type WirePod } from '../kube/wire-pod.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import type { Placement } from '../placement/placement.ts';
import { type CellView, decide, type Step } from './decide.ts';
import { viewOf } from './pod-view.ts';
import { assignedPatch, handedOverPatch, lostPatch, type PodWriter, waitingPatch } from './status.ts';
import { describeStart } from './timeline.ts';

export interface PodControllerOptions {
  readonly pods: Collection<WirePod>;
  readonly book: Book;
  readonly fleet: Fleet;
  readonly placement: Placement;
  readonly writer: PodWriter;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly launchTimeoutMs: number;
  readonly completedLingerMs: number;
  readonly concurrency: number;
  /** False while another process may lead: no step is taken then. */
  readonly mayAct: () => boolean;
}

/** How often it is looked whether the lease is held again. */
const LEASE_LOOK_MS = 500;

/** How long a pod waits that nothing offered can take, unless the pod or the offerings change before. */
const NO_OFFERING_RETRY_MS = 30_000;

const ID_ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';

function newCellId(): string {
  return `cell-${Array.from({ length: 10 }, () => ID_ALPHABET[randomInt(ID_ALPHABET.length)]).join('')}`;
}

/** Brings each pod of the virtual node to its cell, and each cell to its end; serial per pod, level-triggered. */
export class PodController {
  readonly #options: PodControllerOptions;
  readonly #queue: WorkQueue;
  /** Pods by uid; those that are gone stay until their cell is. */
  readonly #podsByUid = new Map<string, WirePod>();
  /** The last waiting reason told of each pod, so that a retry does not tell it again. */
  readonly #told = new Map<string, string>();

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

  /** Pods that wait for work, or are worked on. */
  get depth(): number {
    return this.#queue.depth;
  }

  #observe(pod: WirePod): void {
    this.#remember(pod);
    this.#queue.add(pod.metadata.uid ?? '');
  }

  /** Keeps the newest state of a pod: an answer to a patch overtakes the watch. */
  #remember(pod: WirePod): void {
    const uid = pod.metadata.uid ?? '';
    const known = this.#podsByUid.get(uid);
    if (known === undefined || revisionOf(known) <= revisionOf(pod)) this.#podsByUid.set(uid, pod);
  }

  /** Patches a pod and remembers it; undefined when the pod is gone. */
  async #write(
    pod: WirePod,
    build: (nowMs: number) => object,
    options: { exclusive?: boolean; signal: AbortSignal },
  ): Promise<WirePod | undefined> {
    const patched = await this.#options.writer.patch(pod, build, options);
    if (patched !== undefined) this.#remember(patched);
    return patched;
  }

  #gone(pod: WirePod): void {
    const uid = pod.metadata.uid ?? '';
    this.#podsByUid.delete(uid);
    this.#told.delete(uid);
    this.#queue.add(uid);
  }

  async #reconcile(uid: string, signal: AbortSignal): Promise<number | undefined> {
    const { book, clock, launchTimeoutMs, completedLingerMs, mayAct } = this.#options;
    if (!mayAct()) return LEASE_LOOK_MS;
    const pod = this.#podsByUid.get(uid);
    const cell = book.ofPod(uid);
    const step = decide(pod === undefined ? undefined : viewOf(pod), cell && this.#cellView(cell, pod), {
      nowMs: clock.now(),
      launchTimeoutMs,
      completedLingerMs,
    });
    return this.#perform(step, pod, cell, signal);
  }

  #cellView(cell: Cell, pod: WirePod | undefined): CellView {
    const { clock } = this.#options;
    const { allocatable, kubeletReady, enteredMs, phase, reason } = cell;
    const fits = pod !== undefined && allocatable !== undefined && coversPod(allocatable, pod);
    return {
      phase,
      requestedAtMs: enteredMs.requested ?? enteredMs.booting ?? clock.now(),
      canTakePod: kubeletReady && fits,
      handedOver: cell.handedOver,
      ...(reason === undefined ? {} : { reason }),
    };
  }

  async #perform(
    step: Step,
    pod: WirePod | undefined,
    cell: Cell | undefined,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { fleet, writer } = this.#options;
    if (step.kind === 'nothing') return step.againMs;
    if (step.kind === 'endCell') {
      if (cell !== undefined) void fleet.end(cell, step.reason);
      return undefined;
    }
    if (pod === undefined) return undefined;
    switch (step.kind) {
      case 'assign':
        return this.#assign(pod, signal);
      case 'replace':
        return this.#replace(pod, cell, step.reason, signal);
      case 'launch':
        return this.#launch(pod, cell, signal);
      case 'handOver':
        return this.#handOver(pod, cell, signal);
      case 'deletePod':
        await writer.delete(pod, signal);
        return undefined;
      case 'fail':
        return this.#fail(pod, cell, step.reason, signal);
    }
  }

  async #assign(pod: WirePod, signal: AbortSignal): Promise<number | undefined> {
    const { placement, events, book } = this.#options;
    try {
      const { offering, why } = await placement.choose(pod, signal);
      const cellId = newCellId();
      const patched = await this.#write(pod, (now) => assignedPatch(cellId, why, now), { exclusive: true, signal });
      if (patched === undefined) return undefined;
      const cell = book.add({ cellId, podUid: pod.metadata.uid ?? '', pod: podName(pod) }, 'requested');
      cell.offering = offering;
      this.#told.delete(cell.podUid);
      events.normal(pod, 'CellRequested', `${cellId}: ${why}`);
      return undefined;
    } catch (error) {
      return this.#waits(pod, error, signal);
    }
  }

  /** Tells once why a pod has to wait, and resolves with when to look again. */
  async #waits(pod: WirePod, error: unknown, signal: AbortSignal): Promise<number> {
    if (!isNodelessError(error) || !['NoOffering', 'InsufficientCapacity', 'InvalidConfig'].includes(error.code))
      throw error;
    const { events } = this.#options;
    const uid = pod.metadata.uid ?? '';
    if (this.#told.get(uid) !== error.message) {
      this.#told.set(uid, error.message);
      events.warning(pod, error.code, error.message);
      await this.#write(pod, (now) => waitingPatch(error.code, error.message, now), { signal });
    }
    return error.retryable ? 5_000 : NO_OFFERING_RETRY_MS;
  }

  async #replace(
    pod: WirePod,
    cell: Cell | undefined,
    reason: string,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { events, fleet } = this.#options;
    if (cell !== undefined) {
      events.warning(pod, 'CellReplaced', `${cell.cellId} ended before it could take the pod: ${reason}`);
      void fleet.end(cell, reason);
    }
    return this.#assign(pod, signal);
  }

  async #launch(pod: WirePod, known: Cell | undefined, signal: AbortSignal): Promise<number | undefined> {
    const { book, placement, fleet, events, clock, logger } = this.#options;
    const { cellId } = viewOf(pod);
    if (cellId === undefined) return undefined;
    const cell = known ?? book.add({ cellId, podUid: pod.metadata.uid ?? '', pod: podName(pod) }, 'requested');
    const offering = cell.offering ?? (await placement.choose(pod, signal)).offering;
    const startedMs = clock.now();
    void fleet.launch(cell, offering).then(
      (machine) => {
        placement.succeeded(offering);
        const seconds = ((clock.now() - startedMs) / 1000).toFixed(1);
        events.normal(
          pod,
          'CellLaunched',
          `${cellId} as ${machine.instanceType} (${machine.launchType}) in ${machine.zone}, accepted after ${seconds} s`,
        );
      },
      (error) => {
        if (signal.aborted || cell.phase !== 'launching') return;
        if (isNodelessError(error, 'InsufficientCapacity')) placement.exhausted(offering);
        logger.warn({ cell: cellId, pod: cell.pod, reason: messageOf(error) }, 'launch failed');
        events.warning(pod, 'CellLaunchFailed', `${cellId} as ${offering.instanceType}: ${messageOf(error)}`);
        delete cell.offering;
        this.#retryLaunch(cell, error);
      },
    );
    return undefined;
  }

  /** A launch that failed is asked for again under the same id, which the provider knows to be the same launch. */
  #retryLaunch(cell: Cell, error: unknown): void {
    const { book, clock } = this.#options;
    const pauseMs = isNodelessError(error, 'InsufficientCapacity') ? 0 : 5_000;
    void clock.sleep(pauseMs).then(() => {
      if (cell.phase === 'launching') book.enter(cell, 'requested');
    });
  }

  async #handOver(pod: WirePod, cell: Cell | undefined, signal: AbortSignal): Promise<undefined> {
    if (cell === undefined) return undefined;
    const { book, events, clock } = this.#options;
    book.enter(cell, 'ready');
    const message = describeStart(cell.enteredMs, clock.now());
    const patched = await this.#write(pod, (now) => handedOverPatch(message, now), { signal });
    if (patched === undefined) return undefined;
    events.normal(pod, 'CellReady', `${cell.cellId}: ${message}`);
    book.handOver(cell);
    return undefined;
  }

  async #fail(pod: WirePod, cell: Cell | undefined, reason: string, signal: AbortSignal): Promise<undefined> {
    const { events, fleet } = this.#options;
    const message = `cell ${viewOf(pod).cellId} is lost: ${reason}`;
    await this.#write(pod, (now) => lostPatch(message, now), { signal });
    events.warning(pod, 'CellLost', message);
    if (cell !== undefined) void fleet.end(cell, reason);
    return undefined;
  }
}

function coversPod(allocatable: Cell['allocatable'] & object, pod: WirePod): boolean {
  const { ephemeralStorageBytes: _, ...need } = effectiveRequest(pod);
  return covers(allocatable, { ...need, ephemeralStorageBytes: 0 });
}
