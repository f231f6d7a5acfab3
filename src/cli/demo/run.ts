import { ACTS, type Act } from './acts.ts';
import type { Ground, Standing } from './ground.ts';
import type { Observer } from './observer.ts';
import { describeFailure, type Journal, type Summary, secondsBetween } from './summary.ts';

/** What is known of a run while it goes on; its summary is made of it. */
export interface Run {
  readonly startedMs: number;
  readonly journal: Journal;
  /** True when simulated cells were asked for. */
  readonly simulated: boolean;
  ground?: Ground;
  standing?: Standing;
  observer?: Observer;
  missing: readonly string[];
  /** True once something was started. */
  begun: boolean;
  failure?: unknown;
  keptUp: boolean;
  leftBehind: readonly string[];
}

/** A run of which nothing has happened yet. */
export function newRun(journal: Journal, simulated: boolean): Run {
  return { startedMs: Date.now(), journal, simulated, missing: [], begun: false, keptUp: false, leftBehind: [] };
}

/** False for what only real cells can show, on simulated ones. */
export function isShown(act: Act, ground: Ground): boolean {
  return ground.mode === 'local' || act.realOnly !== true;
}

function skippedIn({ ground }: Run): readonly string[] {
  return ground === undefined ? [] : ACTS.filter((act) => !isShown(act, ground)).map(({ name }) => name);
}

/** What happened, up to now. */
export function summaryOf(run: Run): Summary {
  const { journal, failure, observer } = run;
  const failed = failure === undefined ? {} : { error: describeFailure({ step: journal.failed, error: failure }) };
  return {
    ok: failure === undefined && run.leftBehind.length === 0,
    mode: run.ground?.mode ?? (run.simulated ? 'simulated' : 'local'),
    startedAt: new Date(run.startedMs).toISOString(),
    seconds: secondsBetween(run.startedMs, Date.now()),
    steps: journal.steps,
    cellsLaunched: observer?.cells.launched ?? 0,
    mostCellsAtOnce: observer?.cells.mostAtOnce ?? 0,
    podsReady: observer?.pods.ready ?? 0,
    podStartSeconds: observer?.pods.startSeconds() ?? [],
    keptUp: run.keptUp,
    leftBehind: run.leftBehind,
    skipped: skippedIn(run),
    missing: run.missing,
    ...failed,
  };
}

/** The summary of a run that has not come to its end. */
export function unfinished(run: Run): Summary {
  return { ...summaryOf(run), ok: false, error: { step: 'start', message: 'the demo was killed before its end' } };
}

/** The last lines of a run that went well: how it went, in figures. */
export function closingLines(summary: Summary): string {
  const { podsReady, cellsLaunched, mostCellsAtOnce, seconds, skipped, mode } = summary;
  const cells = `${cellsLaunched} ${mode === 'local' ? 'cells' : 'simulated cells'}`;
  const figures = `${podsReady} pods on ${cells}, at most ${mostCellsAtOnce} at once, in ${seconds} s.`;
  return ['', figures, ...(skipped.length === 0 ? [] : [`Only real cells can show: ${skipped.join(', ')}.`])].join(
    '\n',
  );
}
