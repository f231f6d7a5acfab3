import type { Logger } from 'pino';
import type { CellProvider } from '../../providers/contract.ts';
import type { CellMachine, CellPhase, CellTags, EndCause } from '../core/cell.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Book } from './book.ts';
import type { Cell } from './cell.ts';
import type { Fleet } from './fleet.ts';

/** Phases in which the cloud must know a cell's machine. */
const PHASES_WITH_MACHINE: readonly CellPhase[] = ['booting', 'ready', 'stopped', 'running'];

/** Whether the cloud says more of a machine than is known: it may have had no address yet when its launch was accepted. */
function isNews(known: CellMachine | undefined, { state, addresses }: CellMachine): boolean {
  if (state === 'ended' || addresses.length === 0) return false;
  return known === undefined || addresses.join() !== known.addresses.join();
}

export interface CensusOptions {
  readonly provider: CellProvider;
  readonly book: Book;
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly intervalMs: number;
  /** How long a machine may be without a reason before it is ended, and a cell without a machine before it is lost. */
  readonly orphanAfterMs: number;
  /** Ids of those of the cells that a pod is still a reason for, by a consistent read of the API server. */
  readonly withReason: (machines: readonly CellTags[], signal: AbortSignal) => Promise<ReadonlySet<string>>;
  /** False while another process may lead: nothing is concluded then. */
  readonly mayAct: () => boolean;
  /** Called with each machine that is ended for want of a reason. */
  readonly onOrphan?: (machine: CellMachine) => void;
  /** Called with each cell of the book whose machine the cloud says has ended, or no longer knows. */
  readonly onGone: (cell: Cell, reason: string, cause?: EndCause) => void;
}

/**
 * Compares what the cloud has with what the book says, one list per tick: tells of machines that ended by themselves,
 * and ends those that have no reason (orphans of a crash, or of an ambiguous launch).
 */
export class Census {
  readonly #options: CensusOptions;
  readonly #suspectSinceMs = new Map<string, number>();
  readonly #missingSinceMs = new Map<string, number>();
  #failing = false;
  /** The API server does not say which cells have a reason. */
  #isUntold = false;

  constructor(options: CensusOptions) {
    this.#options = options;
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, intervalMs } = this.#options;
    while (!signal.aborted) {
      await this.tick(signal);
      await clock.sleep(intervalMs, signal).catch(() => undefined);
    }
  }

  /** One comparison. Never throws; an outage of the cloud is logged once, and nothing is concluded from it. */
  async tick(signal: AbortSignal): Promise<void> {
    const { provider, logger, mayAct } = this.#options;
    if (!mayAct()) return;
    const known = this.#launchedCells();
    try {
      const machines = await provider.list(signal);
      this.#tellGone(known, machines);
      await this.#endOrphans(machines, signal);
      if (this.#failing) logger.info({ provider: provider.name }, 'the cloud can be listed again');
      this.#failing = false;
    } catch (error) {
      if (signal.aborted) return;
      if (!this.#failing)
        logger.warn({ provider: provider.name, reason: messageOf(error) }, 'the cloud can not be listed');
      this.#failing = true;
    }
  }

  /** Cells whose launch the cloud had accepted before the list began; others may be missing from it rightly. */
  #launchedCells(): readonly Cell[] {
    return [...this.#options.book.cells()].filter(({ phase }) => PHASES_WITH_MACHINE.includes(phase));
  }

  #tellGone(known: readonly Cell[], machines: readonly CellMachine[]): void {
    const { clock, orphanAfterMs, onGone } = this.#options;
    const byId = new Map(machines.map((machine) => [machine.tags.cellId, machine]));
    const missing = new Set<string>();
    for (const cell of known) {
      // It may have been ended on purpose while the cloud was listed.
      if (!PHASES_WITH_MACHINE.includes(cell.phase)) continue;
      const machine = byId.get(cell.cellId);
      // Who stopped one that was not to be has ended what ran there.
      if (machine?.state === 'stopped' && (cell.phase === 'ready' || cell.phase === 'running'))
        onGone(cell, 'its machine was stopped');
      if (machine?.state === 'ended') onGone(cell, machine.reason ?? 'its machine ended', machine.endCause);
      if (machine !== undefined && isNews(cell.machine, machine)) {
        // Lists lag behind claims: whose the machine is, the book knows better.
        this.#options.book.seen(cell, { ...machine, tags: cell.machine?.tags ?? machine.tags });
      }
      if (machine !== undefined) continue;
      // One list without it is not the cloud's word: lists lag.
      const sinceMs = this.#missingSinceMs.get(cell.cellId) ?? clock.now();
      this.#missingSinceMs.set(cell.cellId, sinceMs);
      missing.add(cell.cellId);
      if (clock.now() - sinceMs >= orphanAfterMs) onGone(cell, 'the cloud no longer knows its machine');
    }
    for (const cellId of this.#missingSinceMs.keys()) if (!missing.has(cellId)) this.#missingSinceMs.delete(cellId);
  }

  async #endOrphans(machines: readonly CellMachine[], signal: AbortSignal): Promise<void> {
    const { book, clock, orphanAfterMs, fleet, logger, onOrphan } = this.#options;
    const suspects = machines.filter(({ tags }) => book.get(tags.cellId) === undefined);
    const ids = new Set(suspects.map(({ tags }) => tags.cellId));
    for (const cellId of this.#suspectSinceMs.keys()) if (!ids.has(cellId)) this.#suspectSinceMs.delete(cellId);
    const due = suspects.filter(({ tags: { cellId } }) => {
      const since = this.#suspectSinceMs.get(cellId) ?? clock.now();
      this.#suspectSinceMs.set(cellId, since);
      return clock.now() - since >= orphanAfterMs;
    });
    for (const machine of await this.#withoutReason(due, signal)) {
      const { cellId, pod } = machine.tags;
      logger.warn({ cell: cellId, pod }, 'orphan cell ends: no pod needs it');
      this.#suspectSinceMs.delete(cellId);
      onOrphan?.(machine);
      void fleet.endMachine(cellId);
    }
  }

  /** Those of the machines that no pod is a reason for, by one read for all; none while that fails. */
  async #withoutReason(machines: readonly CellMachine[], signal: AbortSignal): Promise<readonly CellMachine[]> {
    const { withReason, logger } = this.#options;
    if (machines.length === 0) return [];
    try {
      const tags = machines.map((machine) => machine.tags);
      const spared = await withReason(tags, signal);
      this.#isUntold = false;
      return machines.filter(({ tags: { cellId } }) => !spared.has(cellId));
    } catch (error) {
      if (!this.#isUntold && !signal.aborted)
        logger.warn(
          { reason: messageOf(error) },
          'it is not known whether pods need machines; none is ended for want of one',
        );
      this.#isUntold = true;
      return [];
    }
  }
}
