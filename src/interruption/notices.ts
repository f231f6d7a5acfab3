import type { Logger } from 'pino';
import type { Interruption } from '../../providers/contract.ts';
import type { Book } from '../cells/book.ts';
import { type Cell, isOnItsWay, isServed, isWarm } from '../cells/cell.ts';
import type { Fleet } from '../cells/fleet.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf, NodelessError } from '../core/errors.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import type { Placement } from '../placement/placement.ts';
import type { NodePods } from '../pods/node-pods.ts';
import { replacerOf } from '../pods/rescheduling.ts';
import { isFinished } from '../pods/room.ts';
import type { PodWriter } from '../pods/status.ts';
import { decideNotice, LAST_MS, type NoticeStep } from './decide.ts';
import type { Reserves } from './reserves.ts';

export interface NoticesOptions {
  readonly book: Book;
  readonly fleet: Pick<Fleet, 'end'>;
  readonly placement: { readonly experience: Pick<Placement['experience'], 'launchFailed'> };
  readonly pods: NodePods;
  readonly reserves: Pick<Reserves, 'stateOf' | 'order' | 'forget' | 'tick'>;
  readonly writer: Pick<PodWriter, 'evict' | 'end'>;
  readonly events: Pick<EventRecorder, 'normal' | 'warning'>;
  /** The cloud says that there is news of machines. */
  readonly onChanged: () => void;
  readonly clock: Clock;
  /** False while another process may lead. */
  readonly mayAct: () => boolean;
  readonly logger: Logger;
}

interface Noted {
  readonly cell: Cell;
  readonly endsAtMs: number | undefined;
  readonly reason: string;
  /** When a pod is looked at again that a disruption budget keeps, or that has just been told to end, by uid. */
  readonly againAtMs: Map<string, number>;
  /** Pods that were told that their disruption budget keeps them. */
  readonly kept: Set<string>;
}

const TICK_MS = 500;
const AGAIN_MS = 2_000;
/** A pod that is told to end has until then. */
const MAX_GRACE_SECONDS = (LAST_MS - 5_000) / 1_000;

function graceOf({ spec }: WirePod): number {
  const { terminationGracePeriodSeconds = 30 } = spec as { readonly terminationGracePeriodSeconds?: number };
  return Math.min(terminationGracePeriodSeconds, MAX_GRACE_SECONDS);
}

/** What the cloud has said is about to befall cells, and what is done about it: successors have a Ready cell before pods go. */
export class Notices {
  readonly #options: NoticesOptions;
  readonly #byCell = new Map<string, Noted>();

  constructor(options: NoticesOptions) {
    this.#options = options;
  }

  /**
   * Hears of an interruption, and says whether it need not be told again. One that ends a machine is to be: whoever leads next
   * has to hear of it too.
   */
  take({ cellId, kind, endsAtMs, reason }: Interruption): boolean {
    const { book, mayAct, onChanged } = this.#options;
    const cell = book.get(cellId);
    if (cell === undefined || !mayAct()) return false;
    if (kind === 'changed') onChanged();
    else if (kind === 'at-risk') this.#tell(cell, 'CellAtRisk', reason);
    else if (!this.#byCell.has(cellId)) this.#note({ cell, endsAtMs, reason });
    return kind !== 'ends';
  }

  /** Does what follows from notices until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, mayAct, logger, reserves } = this.#options;
    while (!signal.aborted) {
      if (mayAct()) {
        reserves.tick();
        for (const noted of this.#byCell.values()) {
          await this.#look(noted, signal).catch((error) => {
            const cell = noted.cell.cellId;
            if (!signal.aborted)
              logger.warn({ cell, reason: messageOf(error) }, 'a pod of a cell that ends is not moved');
          });
        }
      }
      await clock.sleep(TICK_MS, signal).catch(() => undefined);
    }
  }

  #note({ cell, endsAtMs, reason }: Pick<Noted, 'cell' | 'endsAtMs' | 'reason'>): void {
    const { book, fleet, placement } = this.#options;
    const { offering, cellClass } = cell;
    if (offering !== undefined && cellClass !== undefined && offering.launchType === 'ec2-spot') {
      const lack = new NodelessError({ code: 'InsufficientCapacity', message: reason });
      placement.experience.launchFailed({ offering, cellClass }, lack);
    }
    // Its pod has run nothing there, and gets another in its place.
    if (isWarm(cell)) void fleet.end(cell, reason);
    else if (isOnItsWay(cell)) book.enter(cell, 'lost', reason);
    if (isWarm(cell) || !isServed(cell)) return;
    cell.interrupted = true;
    this.#byCell.set(cell.cellId, { cell, endsAtMs, reason, againAtMs: new Map(), kept: new Set() });
    const when = endsAtMs === undefined ? '' : `, at ${new Date(endsAtMs).toISOString()}`;
    this.#tell(cell, 'CellInterrupted', `${reason}${when}`);
  }

  #tell(cell: Cell, event: string, message: string): void {
    for (const pod of this.#podsOn(cell)) this.#options.events.warning(pod, event, `${cell.cellId}: ${message}`);
  }

  #podsOn({ members }: Cell): readonly WirePod[] {
    return [...members.keys()].flatMap((uid) => this.#options.pods.get(uid) ?? []);
  }

  async #look(noted: Noted, signal: AbortSignal): Promise<void> {
    const { book, reserves, clock } = this.#options;
    const { cell, endsAtMs, againAtMs } = noted;
    if (book.get(cell.cellId) !== cell || !isServed(cell)) {
      this.#byCell.delete(cell.cellId);
      for (const uid of againAtMs.keys()) reserves.forget(uid);
      return;
    }
    for (const pod of this.#podsOn(cell)) {
      const { uid = '', deletionTimestamp } = pod.metadata;
      const facts = {
        isGoing: deletionTimestamp !== undefined || isFinished(pod),
        hasReplacer: replacerOf(pod) !== undefined,
        reserve: reserves.stateOf(uid),
      };
      const step = decideNotice(facts, { nowMs: clock.now(), endsAtMs });
      if (clock.now() >= (againAtMs.get(uid) ?? 0)) await this.#perform(step, pod, noted, signal);
    }
  }

  async #perform(step: NoticeStep, pod: WirePod, noted: Noted, signal: AbortSignal): Promise<void> {
    const { reserves, writer, events, clock } = this.#options;
    const { cell, againAtMs, kept } = noted;
    const { uid = '' } = pod.metadata;
    const owner = replacerOf(pod);
    switch (step) {
      case 'nothing':
      case 'wait':
        return;
      case 'reserve':
        againAtMs.set(uid, 0);
        if (owner !== undefined) void reserves.order(pod, owner, cell, signal);
        return;
      case 'evict': {
        againAtMs.set(uid, clock.now() + AGAIN_MS);
        const accepted = await writer.evict(pod, signal);
        if (accepted)
          events.normal(
            pod,
            'CellInterrupted',
            `the pod is evicted from ${cell.cellId}: a cell waits for its successor`,
          );
        else if (!kept.has(uid))
          events.normal(
            pod,
            'CellInterrupted',
            `the pod leaves ${cell.cellId} when its disruption budget allows it, or shortly before the machine ends`,
          );
        if (!accepted) kept.add(uid);
        return;
      }
      case 'end':
        againAtMs.set(uid, clock.now() + AGAIN_MS);
        await writer.end(pod, graceOf(pod), signal);
        events.warning(pod, 'CellInterrupted', `the pod ends, since the machine of ${cell.cellId} is about to`);
    }
  }
}
