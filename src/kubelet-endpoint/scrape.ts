import PQueue from 'p-queue';
import type { Logger } from 'pino';
import { messageOf } from '../core/errors.ts';
import type { CellClient } from './cell-client.ts';
import type { EndpointMetrics } from './metrics.ts';
import type { CellDirectory, RunningCell } from './ports.ts';

export interface ScrapeLimits {
  /** Cells asked at the same time; 32 unless given. */
  readonly concurrency?: number;
  /** For one cell's whole answer; 2 s unless given. */
  readonly cellTimeoutMs?: number;
  /** For all cells together; those not asked by then count as failed. 8 s unless given: scrapers give up at 10 s. */
  readonly totalTimeoutMs?: number;
  /** Of one cell's answer; 4 MiB unless given. */
  readonly maxBytes?: number;
}

interface ScrapeRequest {
  readonly path: string;
  readonly accept: string;
  /** Given each answer as it comes; what it throws counts as that cell's failure. */
  readonly take: (cell: RunningCell, body: Buffer) => void;
}

interface ScrapeOutcome {
  readonly cells: number;
  readonly failed: number;
}

/** Asks every running cell for one path. Never rejects: a cell that fails is counted, not waited for. */
export type Scrape = (request: ScrapeRequest) => Promise<ScrapeOutcome>;

export interface ScrapeOptions extends ScrapeLimits {
  readonly cells: CellDirectory;
  readonly client: CellClient;
  readonly metrics: EndpointMetrics;
  readonly logger: Logger;
}

/** Makes the scrape of all cells; cells that failed the last time are asked last, so that they can't hold up others. */
export function createScrape(options: ScrapeOptions): Scrape {
  const { cells, client, metrics, logger } = options;
  const { concurrency = 32, cellTimeoutMs = 2_000, totalTimeoutMs = 8_000, maxBytes = 4 * 1024 * 1024 } = options;
  let failing: ReadonlySet<string> = new Set();

  function inOrder(running: readonly RunningCell[]): readonly RunningCell[] {
    const good = running.filter(({ cellId }) => !failing.has(cellId));
    return [...good, ...running.filter(({ cellId }) => failing.has(cellId))];
  }

  /** Why a cell gave nothing usable; undefined when it did. */
  async function ask(cell: RunningCell, request: ScrapeRequest, signal: AbortSignal): Promise<string | undefined> {
    const limits = { timeoutMs: cellTimeoutMs, maxBytes, signal };
    const fetched = await client.fetch(cell, request.path, request.accept, limits);
    if (!fetched.ok) return fetched.reason;
    try {
      request.take(cell, fetched.body);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  function noteFailure(cell: RunningCell, path: string, reason: string): void {
    const fields = { cell: cell.cellId, path, reason };
    if (failing.has(cell.cellId)) logger.debug(fields, 'cell gave no statistics again');
    else logger.warn(fields, 'cell gave no statistics');
  }

  return async (request) => {
    const running = inOrder(cells.running());
    const signal = AbortSignal.timeout(totalTimeoutMs);
    const queue = new PQueue({ concurrency });
    const bad = new Set<string>();
    let failed = 0;
    await queue.addAll(
      running.map((cell) => async () => {
        const asked = !signal.aborted;
        const reason = asked ? await ask(cell, request, signal) : 'not asked: the whole scrape took too long';
        if (reason === undefined) return;
        failed += 1;
        metrics.cellScrapeFailed();
        // Whose turn never came has not failed, and keeps its place in the line.
        if (!asked && !failing.has(cell.cellId)) return;
        bad.add(cell.cellId);
        noteFailure(cell, request.path, reason);
      }),
    );
    failing = bad;
    return { cells: running.length, failed };
  };
}
