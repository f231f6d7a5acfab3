import type { Logger } from 'pino';
import type { Book } from '../cells/book.ts';
import { type Cell, shownMembers } from '../cells/cell.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import type { NodePods } from './node-pods.ts';
import { isFinished } from './room.ts';
import type { PodWriter } from './status.ts';

export interface ExpiryOptions {
  readonly book: Book;
  readonly pods: NodePods;
  readonly writer: PodWriter;
  readonly events: EventRecorder;
  /** How old a cell may become, as its class has it; undefined for one that may stay. */
  readonly limitMsOf: (cell: Cell) => number | undefined;
  readonly clock: Clock;
  /** False while another process may lead. */
  readonly mayAct: () => boolean;
  readonly logger: Logger;
}

const TICK_MS = 5_000;
/** Cells of one age, such as those of one rollout, are not all replaced in one moment. */
const MAX_CELLS_PER_TICK = 5;
/** A disruption budget may forbid an eviction for long: then it is asked for again so often. */
const REFUSED_PAUSE_MS = 60_000;

/** Whether a cell that runs is older than it may become. The node cell ends when nothing needs it, however old it is. */
export function isExpired({ phase, purpose, machine }: Cell, limitMs: number | undefined, nowMs: number): boolean {
  if (limitMs === undefined || machine === undefined || phase !== 'running' || purpose !== undefined) return false;
  return nowMs - machine.createdAtMs >= limitMs;
}

/** Evicts the pods of cells that are older than their class lets them become. Runs until the signal aborts. */
export async function watchExpiry(options: ExpiryOptions, signal: AbortSignal): Promise<void> {
  const { book, pods, writer, events, limitMsOf, clock, mayAct, logger } = options;
  /** When a refused eviction is asked for again, by uid. */
  const refusedUntilMs = new Map<string, number>();

  function dueOn(cell: Cell): readonly WirePod[] {
    return shownMembers(cell)
      .flatMap(({ uid }) => pods.get(uid) ?? [])
      .filter((pod) => pod.metadata.deletionTimestamp === undefined && !isFinished(pod))
      .filter(({ metadata }) => (refusedUntilMs.get(metadata.uid ?? '') ?? 0) <= clock.now());
  }

  async function evict(pod: WirePod, cell: Cell): Promise<boolean> {
    const { uid = '' } = pod.metadata;
    const told = refusedUntilMs.has(uid);
    refusedUntilMs.set(uid, clock.now() + REFUSED_PAUSE_MS);
    try {
      const accepted = await writer.evict(pod, signal);
      const outcome = accepted ? 'is evicted' : 'is evicted when its disruption budget allows it';
      if (accepted || !told)
        events.normal(pod, 'CellExpired', `${cell.cellId} is as old as its class lets it become: the pod ${outcome}`);
      return accepted;
    } catch (error) {
      if (!signal.aborted)
        logger.warn({ cell: cell.cellId, reason: messageOf(error) }, 'the pod of an expired cell is not evicted');
      return false;
    }
  }

  while (!signal.aborted) {
    await clock.sleep(TICK_MS, signal).catch(() => undefined);
    if (signal.aborted || !mayAct()) continue;
    for (const uid of refusedUntilMs.keys()) if (pods.get(uid) === undefined) refusedUntilMs.delete(uid);
    let left = MAX_CELLS_PER_TICK;
    for (const cell of book.cells()) {
      cell.expired = isExpired(cell, limitMsOf(cell), clock.now());
      if (!cell.expired || left === 0) continue;
      let ends = false;
      for (const pod of dueOn(cell)) ends = (await evict(pod, cell)) || ends;
      if (ends) left -= 1;
    }
  }
}
