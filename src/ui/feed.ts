import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { CellRow } from './cell-row.ts';
import type { Section } from './section.ts';

/** What is the same for whoever looks, and small. */
export interface Overview {
  readonly node: string;
  readonly version: string;
  readonly cells: number;
  readonly pricePerHourUsd: number;
  readonly sections: readonly Section[];
}

/** Where the page's state is read. */
export interface FeedSource {
  overview(): Overview;
  cellIds(): Iterable<string>;
  /** Undefined for a cell that is no more. */
  cell(cellId: string): CellRow | undefined;
  /** Calls back with a cell that has changed, or without one when anything else has; the returned function ends that. */
  watch(changed: (cellId?: string) => void): () => void;
}

/** One who looks. */
export interface Viewer {
  /** Given what has changed since the last call, the same bytes as every other viewer. */
  changed(event: Buffer): void;
}

/** Between two events at the least. */
const INTERVAL_MS = 1_000;
/** What belongs together comes together: a first change after a pause waits for its followers. */
const GATHER_MS = 100;

function eventOf(name: string, data: string): Buffer {
  return Buffer.from(`event: ${name}\ndata: ${data}\n\n`);
}

/**
 * The page's state, encoded once for all who look: a snapshot for who comes, and then changes alone, at most one a second.
 * While nobody looks it watches nothing and holds nothing.
 */
export class Feed {
  readonly #source: FeedSource;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #viewers = new Set<Viewer>();
  /** Cells as they were last sent, encoded, by id. */
  readonly #cells = new Map<string, string>();
  /** The overview's parts as they were last sent, encoded. */
  #parts = new Map<string, string>();
  readonly #dirty = new Set<string>();
  #snapshot: Buffer | undefined;
  #life: AbortController | undefined;
  #isPlanned = false;
  #lastMs = 0;
  #failing = false;

  constructor({ source, clock, logger }: { source: FeedSource; clock: Clock; logger: Logger }) {
    this.#source = source;
    this.#clock = clock;
    this.#logger = logger;
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /** Has a viewer told of changes from now on; the returned function ends that. Throws what the source throws. */
  join(viewer: Viewer): () => void {
    if (this.#life === undefined) this.#begin();
    this.#viewers.add(viewer);
    return () => {
      this.#viewers.delete(viewer);
      if (this.#viewers.size === 0) this.#end();
    };
  }

  /** What time it is here, as an event: before a snapshot, which may have been made long ago. */
  time(): Buffer {
    return eventOf('time', String(this.#clock.now()));
  }

  /** All that has been sent until now, as one event. */
  snapshot(): Buffer {
    if (this.#snapshot === undefined) {
      const parts = [...this.#parts].map(([name, json]) => `${JSON.stringify(name)}:${json}`);
      const cells = `[${[...this.#cells.values()].join(',')}]`;
      const data = `{"parts":{${parts.join(',')}},"cells":${cells}}`;
      this.#snapshot = eventOf('snapshot', data);
    }
    return this.#snapshot;
  }

  #begin(): void {
    const life = new AbortController();
    this.#life = life;
    for (const cellId of this.#source.cellIds()) this.#dirty.add(cellId);
    const endWatch = this.#source.watch((cellId) => {
      if (cellId !== undefined) this.#dirty.add(cellId);
      this.#plan(life.signal);
    });
    life.signal.addEventListener('abort', endWatch, { once: true });
    try {
      this.#update();
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  #end(): void {
    this.#life?.abort();
    this.#life = undefined;
    this.#isPlanned = false;
    this.#cells.clear();
    this.#parts.clear();
    this.#dirty.clear();
    this.#snapshot = undefined;
  }

  #plan(signal: AbortSignal): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    const waitMs = Math.max(GATHER_MS, this.#lastMs + INTERVAL_MS - this.#clock.now());
    // Who ends it in the meantime has begun anew, or wants nothing more.
    this.#clock.sleep(waitMs, signal).then(
      () => this.#flush(),
      () => undefined,
    );
  }

  /** Never throws: whoever leads does not end for a page. What could not be told is told with the next change. */
  #flush(): void {
    this.#isPlanned = false;
    this.#lastMs = this.#clock.now();
    try {
      const event = this.#update();
      if (event !== undefined) for (const viewer of this.#viewers) viewer.changed(event);
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#logger.error({ reason: messageOf(error) }, 'the page can not be told of changes');
      this.#failing = true;
    }
  }

  /** Brings what was sent up to date; undefined when nothing has changed. */
  #update(): Buffer | undefined {
    const changed = new Map<string, string>();
    const gone: string[] = [];
    for (const cellId of this.#dirty) {
      const row = this.#source.cell(cellId);
      const json = row && JSON.stringify(row);
      if (json === this.#cells.get(cellId)) continue;
      if (json === undefined) gone.push(cellId);
      else changed.set(cellId, json);
    }
    const parts = this.#changedParts();
    // Nothing of the source is read any more: what it throws leaves all that is dirty so.
    this.#dirty.clear();
    for (const cellId of gone) this.#cells.delete(cellId);
    for (const [cellId, json] of changed) this.#cells.set(cellId, json);
    if (changed.size + gone.length + parts.length === 0) return undefined;
    this.#snapshot = undefined;
    const data = `{"nowMs":${this.#clock.now()},"parts":{${parts.join(',')}},"cells":[${[...changed.values()].join(',')}],"gone":${JSON.stringify(gone)}}`;
    return eventOf('change', data);
  }

  #changedParts(): readonly string[] {
    const { sections, ...overview } = this.#source.overview();
    const now = new Map(sections.map((section) => [section.id, JSON.stringify(section)]));
    now.set('overview', JSON.stringify(overview));
    const changed = [...now].filter(([name, json]) => this.#parts.get(name) !== json);
    this.#parts = now;
    return changed.map(([name, json]) => `${JSON.stringify(name)}:${json}`);
  }
}
