import { isNodelessError, messageOf, NodelessError } from '../../core/errors.ts';
import { isNameTaken } from '../../local-cluster/failure.ts';
import { adminClient } from '../../local-cluster/provider/provider-process.ts';
import { ACTS, type Act, diagnosis, ENCORE, type Stage, startVirtualNode } from './acts.ts';
import type { Ground, Standing } from './ground.ts';
import { Interrupted, type Interruption, listenForInterruption } from './interruption.ts';
import { keepInstructions } from './keep.ts';
import { toolsOf } from './kubectl.ts';
import { type Observer, startObserver } from './observer.ts';
import { prepareGround, type RunStep } from './preparation.ts';
import { createScreen, type Screen } from './screen.ts';
import { describeFailure, Journal, type Summary, secondsBetween, writeSummary } from './summary.ts';
import { refuseTwice, takeDown, takeDownAny } from './take-down.ts';

export interface DemoOptions {
  /** Leave everything up at the end. */
  readonly keep: boolean;
  /** Only on simulated cells. */
  readonly simulated: boolean;
  /** File for the summary. */
  readonly summary?: string;
}

/** What is known of a run while it goes on; the summary is made of it. */
interface Run {
  readonly startedMs: number;
  readonly journal: Journal;
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

function interruptionLine(by: NodeJS.Signals, first: boolean): string {
  return first
    ? `${by}: ending this step, then everything is taken down`
    : `${by}: it is being taken down already, a few seconds more`;
}

function stepRunner(screen: Screen, journal: Journal, interruption: Interruption): RunStep {
  return (name, title, work) =>
    journal.time(name, () =>
      screen.step(title, async (view) => {
        const end = interruption.onSignal((by, first) => view.line(interruptionLine(by, first)));
        try {
          return await work(view);
        } catch (error) {
          // Whatever broke off says so in words of its own.
          const { signal } = interruption;
          throw signal.aborted && (error as Error).name === 'AbortError' ? signal.reason : error;
        } finally {
          end();
        }
      }),
    );
}

interface PerformHands {
  readonly screen: Screen;
  readonly step: RunStep;
  readonly signal: AbortSignal;
}

function isShown(act: Act, ground: Ground): boolean {
  return ground.mode === 'local' || act.realOnly !== true;
}

async function perform(run: Run, options: DemoOptions, hands: PerformHands): Promise<void> {
  const { screen, step, signal } = hands;
  const choose = async (chosen: Ground, missing: readonly string[]) => {
    Object.assign(run, { ground: chosen, missing });
    await refuseTwice(chosen);
  };
  const ground = await prepareGround({ simulated: options.simulated, step, signal, choose });
  run.begun = true;
  const standing = await step('cluster', ground.upTitle, (view) => ground.up({ progress: view.progress, signal }));
  run.standing = standing;
  const tools = toolsOf(standing.cluster, signal);
  const client = await adminClient(standing.cluster);
  const watching = new AbortController();
  try {
    await step('virtual node', 'The provider and its virtual node', (view) =>
      startVirtualNode(view, { standing, tools, signal }),
    );
    run.observer = await startObserver(client, AbortSignal.any([signal, watching.signal]));
    const stage: Stage = { standing, tools, observer: run.observer, signal };
    for (const act of options.keep ? [...ACTS, ENCORE] : ACTS) {
      if (isShown(act, ground)) await step(act.name, act.title, (view) => act.run(view, stage));
      else screen.say(`↓ ${act.title} [skipped: only real cells can show it]`);
    }
  } catch (error) {
    signal.throwIfAborted();
    const message = `${messageOf(error)}\n\n${await diagnosis({ standing, tools })}`;
    const code = isNodelessError(error) ? error.code : 'KubeRequestFailed';
    throw new NodelessError({ code, message, cause: error });
  } finally {
    watching.abort();
    await client.close();
  }
}

/** What only real cells can show, when cells were simulated. */
function skippedIn({ ground }: Run): readonly string[] {
  return ground === undefined ? [] : ACTS.filter((act) => !isShown(act, ground)).map(({ name }) => name);
}

function summaryOf(run: Run, options: DemoOptions): Summary {
  const { journal, failure, observer } = run;
  const failed = failure === undefined ? {} : { error: describeFailure({ step: journal.failed, error: failure }) };
  return {
    ok: failure === undefined && run.leftBehind.length === 0,
    mode: run.ground?.mode ?? (options.simulated ? 'simulated' : 'local'),
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

/** The last lines: how it went, in figures. */
function closingLine(run: Run, summary: Summary): string {
  const cells = `${summary.cellsLaunched} ${summary.mode === 'local' ? 'cells' : 'simulated cells'}`;
  const figures = `${summary.podsReady} pods on ${cells}, at most ${summary.mostCellsAtOnce} at once, in ${summary.seconds} s`;
  const skipped = skippedIn(run);
  const lines = skipped.length === 0 ? [] : [`Only real cells can show: ${skipped.join(', ')}.`];
  return ['', `${figures}.`, ...lines].join('\n');
}

/** After `perform`: leaves up what is to be kept, takes down everything else. */
async function conclude(run: Run, options: DemoOptions, step: RunStep, interruption: Interruption): Promise<void> {
  const { ground, standing } = run;
  const halfUp = run.failure instanceof AggregateError;
  if (ground === undefined || !run.begun || isNameTaken(run.failure)) return;
  if (standing === undefined && !halfUp) {
    // What fails to come up, or is broken off, goes away by itself.
    run.leftBehind = await ground.traces();
    return;
  }
  if (options.keep && !interruption.signal.aborted && !halfUp) {
    run.keptUp = true;
    return;
  }
  try {
    run.leftBehind = await takeDown(ground, step);
  } catch (error) {
    run.leftBehind = await ground.traces();
    run.failure ??= error;
  }
}

/**
 * `nodeless demo`: sets everything up, shows pods getting cells and cells ending with their pods, and takes
 * everything down again. Resolves with the process's exit code.
 * @throws what made it fail, after everything was taken down and the summary written.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const screen = createScreen();
  const journal = new Journal();
  const run: Run = { startedMs: Date.now(), journal, missing: [], begun: false, keptUp: false, leftBehind: [] };
  const interruption = listenForInterruption();
  const step = stepRunner(screen, journal, interruption);
  try {
    await perform(run, options, { screen, step, signal: interruption.signal }).catch((error: unknown) => {
      const { signal } = interruption;
      run.failure = signal.aborted && !(error instanceof AggregateError) ? signal.reason : error;
    });
    await conclude(run, options, step, interruption);
    const summary = summaryOf(run, options);
    if (options.summary !== undefined) await writeSummary(options.summary, summary);
    if (run.failure === undefined) screen.say(closingLine(run, summary));
    if (run.keptUp && run.standing !== undefined) screen.say(`\n${keepInstructions(run.standing)}`);
  } finally {
    interruption.stop();
  }
  if (run.failure instanceof Interrupted) {
    const rest = run.leftBehind.length === 0 ? 'nothing is left behind' : `left behind: ${run.leftBehind.join('; ')}`;
    screen.say(`Interrupted by ${run.failure.by}: everything was taken down, ${rest}.`);
    return 130;
  }
  if (run.failure !== undefined) throw run.failure;
  return run.leftBehind.length === 0 ? 0 : 1;
}

/** `nodeless demo --down`. A signal does not break it off. */
export async function runDown(): Promise<number> {
  const screen = createScreen();
  const interruption = listenForInterruption();
  try {
    await takeDownAny(screen, stepRunner(screen, new Journal(), interruption));
    return 0;
  } finally {
    interruption.stop();
  }
}
