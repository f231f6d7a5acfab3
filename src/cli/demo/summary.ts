import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { explain, isNodelessError, messageOf, NodelessError } from '../../core/errors.ts';
import type { Mode } from './ground.ts';

/** One step and how long it took. */
export interface StepRecord {
  readonly name: string;
  readonly seconds: number;
  readonly ok: boolean;
}

/** What happened, as `--summary` writes it. Every figure was observed. */
export interface Summary {
  readonly ok: boolean;
  readonly mode: Mode;
  readonly startedAt: string;
  readonly seconds: number;
  readonly steps: readonly StepRecord[];
  readonly cellsLaunched: number;
  readonly mostCellsAtOnce: number;
  /** Pods that were Ready at some time. */
  readonly podsReady: number;
  /** For each of them, from its creation to Ready, shortest first. */
  readonly podStartSeconds: readonly number[];
  /** True when `--keep` left it up. */
  readonly keptUp: boolean;
  /** What could still be found on the machine after everything was taken down. */
  readonly leftBehind: readonly string[];
  /** Steps that only real cells can show. */
  readonly skipped: readonly string[];
  /** Why cells were simulated, unless that was asked for. */
  readonly missing: readonly string[];
  readonly error?: { readonly step: string; readonly message: string; readonly code?: string };
}

export function secondsBetween(fromMs: number, toMs: number): number {
  return Number(((toMs - fromMs) / 1000).toFixed(2));
}

/** Times the steps of a run. */
export class Journal {
  readonly steps: StepRecord[] = [];
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  async time<T>(name: string, work: () => Promise<T>): Promise<T> {
    const startedMs = this.#now();
    const note = (ok: boolean) => this.steps.push({ name, seconds: secondsBetween(startedMs, this.#now()), ok });
    try {
      const value = await work();
      note(true);
      return value;
    } catch (error) {
      note(false);
      throw error;
    }
  }

  /** The step that failed last; the last one when none has. */
  get failed(): string {
    return (this.steps.findLast(({ ok }) => !ok) ?? this.steps.at(-1))?.name ?? '';
  }
}

/** A failure as the summary tells it. */
export function describeFailure({ step, error }: { step: string; error: unknown }): NonNullable<Summary['error']> {
  return { step, message: explain(error), ...(isNodelessError(error) ? { code: error.code } : {}) };
}

/**
 * Writes a summary to a file, relative to the current folder; missing folders are made.
 * @throws NodelessError PrerequisiteMissing when it can't be written.
 */
export async function writeSummary(file: string, summary: Summary): Promise<void> {
  const path = resolve(file);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `${JSON.stringify(summary, undefined, 2)}\n`);
  } catch (error) {
    const message = `the summary can't be written to ${path}: ${messageOf(error)}`;
    throw new NodelessError({ code: 'PrerequisiteMissing', message, cause: error });
  }
}
