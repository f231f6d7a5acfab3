import { CELL_PHASES, type CellPhase } from '../../core/cell.ts';
import type { Change } from '../../kube/collection.ts';
import type { KubeObject } from '../../kube/objects.ts';

/** One cell as its object has told. */
export interface CellRecord {
  readonly id: string;
  /** Name of its pod, without the namespace. */
  readonly pod: string;
  readonly phase: CellPhase;
  /** Every phase that it has been in, in the order of a cell's life. */
  readonly reached: readonly CellPhase[];
  /** When this process first saw it, and when it saw its latest change. */
  readonly seenMs: number;
  readonly changedMs: number;
}

/** The phases that a cell entered since it was last told of; several when they passed quickly. */
export interface CellTransition {
  readonly cell: CellRecord;
  readonly entered: readonly CellPhase[];
}

interface CellStatus {
  readonly phase?: CellPhase;
  readonly pod?: string;
  readonly phases?: Readonly<Partial<Record<CellPhase, string>>>;
}

/** Phases in which there is a machine. */
const MACHINE_PHASES: ReadonlySet<CellPhase> = new Set([
  'launching',
  'booting',
  'ready',
  'stopped',
  'running',
  'ending',
]);

function inOrder(phases: Iterable<CellPhase>): readonly CellPhase[] {
  const set = new Set(phases);
  return CELL_PHASES.filter((phase) => set.has(phase));
}

/** Everything that was seen of a cluster's cells, ended ones included. */
export class CellLog {
  readonly #cells = new Map<string, CellRecord>();
  #mostAtOnce = 0;

  /** Takes one change of a Cell object in; what is new in it, or undefined. */
  take({ type, object }: Change<KubeObject>, nowMs: number): CellTransition | undefined {
    const { name } = object.metadata;
    const status = (object.status ?? {}) as CellStatus;
    const old = this.#cells.get(name);
    const told = [...Object.keys(status.phases ?? {}), ...(status.phase === undefined ? [] : [status.phase])];
    const gone: CellPhase[] = type === 'DELETED' ? ['ended'] : [];
    const reached = inOrder([...(old?.reached ?? []), ...(told as CellPhase[]), ...gone]);
    const entered = reached.filter((phase) => old?.reached.includes(phase) !== true);
    if (entered.length === 0) return undefined;
    const cell: CellRecord = {
      id: name,
      pod: (status.pod ?? '').split('/').at(-1) ?? '',
      phase: type === 'DELETED' ? 'ended' : (status.phase ?? 'requested'),
      reached,
      seenMs: old?.seenMs ?? nowMs,
      changedMs: nowMs,
    };
    this.#cells.set(name, cell);
    this.#mostAtOnce = Math.max(this.#mostAtOnce, this.alive().length);
    return { cell, entered };
  }

  all(): readonly CellRecord[] {
    return [...this.#cells.values()];
  }

  /** Cells that have a machine now. */
  alive(): readonly CellRecord[] {
    return this.all().filter((cell) => MACHINE_PHASES.has(cell.phase));
  }

  /** How many cells have had a machine. */
  get launched(): number {
    return this.all().filter((cell) => cell.reached.some((phase) => MACHINE_PHASES.has(phase))).length;
  }

  get mostAtOnce(): number {
    return this.#mostAtOnce;
  }
}
