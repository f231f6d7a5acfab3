import PQueue from 'p-queue';
import type { Logger } from 'pino';
import type { CellPurpose } from '../core/cell.ts';
import { type Clock, kubeMicroTime } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { CELLS_PATH, GROUP, VERSION } from '../core/names.ts';
import { formatBytes, formatCpu } from '../core/quantity.ts';
import { apply, call, isStatus } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Collection } from '../kube/collection.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { Book } from './book.ts';
import { type Cell, classNameOf, isWarm } from './cell.ts';

const FLUSH_MS = 250;
const CONCURRENCY = 4;
/** In a burst of pods the objects that people look at must not compete with the pods' own writes. */
const WINDOW = { interval: 2_000, intervalCap: 100 };
/** Longer than a definition needs to be gone after the last of its objects. */
const DELETION_PAUSE_MS = 2_000;

/** How people tell a cell that is no pod's own. */
const PURPOSES: Readonly<Record<CellPurpose, string>> = { 'node-cell': ' (node cell)' };

/** `default/web-1`, `default/web-1 and 2 more`, or `none (node cell)`. */
export function describeMembers(cell: Cell): string {
  const [first, ...others] = [...cell.members.values()].map(({ pod }) => pod);
  if (isWarm(cell)) return `none (pool ${cell.pool?.name})`;
  const purpose = cell.purpose === undefined ? '' : PURPOSES[cell.purpose];
  if (first === undefined) return purpose === '' ? `none (${cell.pod})` : `none${purpose}`;
  return `${others.length === 0 ? first : `${first} and ${others.length} more`}${purpose}`;
}

/** The Cell object that people see. */
export function cellObject(cell: Cell, labels: Readonly<Record<string, string>>): KubeObject {
  const { machine, offering } = cell;
  const size = machine?.allocatable ?? offering?.allocatable;
  return {
    apiVersion: `${GROUP}/${VERSION}`,
    kind: 'Cell',
    metadata: { name: cell.cellId, labels },
    status: {
      phase: cell.phase,
      pod: describeMembers(cell),
      podUid: cell.podUid,
      pods: [...cell.members.values()].map(({ pod }) => pod),
      instanceType: machine?.instanceType ?? offering?.instanceType ?? '',
      launchType: machine?.launchType ?? offering?.launchType ?? '',
      zone: machine?.zone ?? offering?.zone ?? '',
      cellClass: classNameOf(cell) ?? '',
      addresses: machine?.addresses ?? [],
      size: size === undefined ? '' : `${formatCpu(size.cpuMilli)} cpu, ${formatBytes(size.memoryBytes)}`,
      pricePerHourUsd: (machine?.pricePerHourUsd ?? offering?.pricePerHourUsd ?? 0).toFixed(4),
      ...((machine ?? offering)?.isPriceEstimated === true ? { isPriceEstimated: true } : {}),
      ...(cell.pool === undefined ? {} : { pool: cell.pool.name }),
      ...(cell.claimedMs === undefined ? {} : { claimedAt: kubeMicroTime(cell.claimedMs) }),
      ...(cell.reason === undefined ? {} : { reason: cell.reason }),
      phases: Object.fromEntries(Object.entries(cell.enteredMs).map(([phase, ms]) => [phase, kubeMicroTime(ms)])),
    },
  };
}

export interface ProjectionOptions {
  readonly client: KubeClient;
  readonly book: Book;
  /** The Cell objects of this virtual node: those with its labels. */
  readonly objects: Collection<KubeObject>;
  readonly labels: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called when a person deletes the Cell object of a live cell. */
  readonly onDeleted: (cell: Cell) => void;
}

/**
 * Shows the book as Cell objects, coalesced and off the critical path: several changes within a moment are one write.
 * Runs until the signal aborts.
 */
export function startProjection(options: ProjectionOptions, signal: AbortSignal): void {
  const { client, book, objects, labels, clock, logger, onDeleted } = options;
  const queue = new PQueue({ concurrency: CONCURRENCY, ...WINDOW });
  const dirty = new Set<string>();
  /** Cells whose turn to be written, as they are then, is still to come. */
  const waiting = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let failing = false;

  async function write(cellId: string): Promise<void> {
    waiting.delete(cellId);
    const cell = book.get(cellId);
    const path = `${CELLS_PATH}/${cellId}`;
    try {
      if (cell === undefined) await call(client, { method: 'DELETE', path, signal });
      else await apply(client, path, cellObject(cell, labels), signal);
      failing = false;
    } catch (error) {
      if (signal.aborted || (cell === undefined && isStatus(error, 404))) return;
      const hint = isStatus(error, 404) ? { hint: 'is the CRD installed? `nodeless install` does it' } : {};
      if (!failing) logger.warn({ reason: messageOf(error), ...hint }, 'Cell objects can not be written for now');
      failing = true;
      setTimeout(() => mark(cellId), 5_000).unref();
    }
  }

  function mark(cellId: string): void {
    if (signal.aborted) return;
    dirty.add(cellId);
    timer ??= setTimeout(flush, FLUSH_MS);
  }

  function flush(): void {
    timer = undefined;
    const batch = [...dirty].filter((cellId) => !waiting.has(cellId));
    dirty.clear();
    for (const cellId of batch) waiting.add(cellId);
    for (const cellId of batch) void queue.add(() => write(cellId));
  }

  /** A person deletes one object; whoever removes the definition deletes them all, and means no harm to the cells. */
  async function confirmDeletion(cell: Cell): Promise<void> {
    await clock.sleep(DELETION_PAUSE_MS, signal).catch(() => undefined);
    const defined = await client
      .request({ method: 'GET', path: CELLS_PATH, query: { limit: '1' }, signal })
      .catch(() => undefined);
    if (signal.aborted) return;
    if (defined?.status === 200) onDeleted(cell);
    else mark(cell.cellId);
  }

  const endBook = book.onChange((cell) => mark(cell.cellId));
  const endObjects = objects.subscribe(({ type, object }) => {
    const cell = book.get(object.metadata.name);
    if (cell === undefined) mark(object.metadata.name);
    else if (type === 'DELETED') void confirmDeletion(cell);
  });
  for (const cell of book.cells()) mark(cell.cellId);
  for (const object of objects.items()) if (book.get(object.metadata.name) === undefined) mark(object.metadata.name);
  signal.addEventListener(
    'abort',
    () => {
      endBook();
      endObjects();
      clearTimeout(timer);
      queue.clear();
    },
    { once: true },
  );
}
