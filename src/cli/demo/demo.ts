import { explain, isNodelessError, NodelessError } from '../../core/errors.ts';
import { isNameTaken } from '../../local-cluster/failure.ts';
import { isComponentRunning } from '../../local-cluster/processes/component.ts';
import { adminClient, PROVIDER } from '../../local-cluster/provider/provider-process.ts';
import { ACTS, diagnosis, ENCORE, type Stage, startVirtualNode } from './acts.ts';
import type { Ground, Standing } from './ground.ts';
import { Interrupted, type Interruption, listenForInterruption } from './interruption.ts';
import { keepInstructions } from './keep.ts';
import { toolsOf } from './kubectl.ts';
import { startObserver } from './observer.ts';
import { prepareGround, type RunStep } from './preparation.ts';
import { closingLines, isShown, newRun, type Run, summaryOf, unfinished } from './run.ts';
import { createScreen, type Screen } from './screen.ts';
import { Journal, writeSummary } from './summary.ts';
import { refuseTwice, TAKE_DOWN, takeDown, takeDownAny } from './take-down.ts';

export interface DemoOptions {
  /** Leave everything up at the end. */
  readonly keep: boolean;
  /** Only on simulated cells. */
  readonly simulated: boolean;
  /** File for the summary. */
  readonly summary?: string;
}

interface Hands {
  readonly screen: Screen;
  readonly step: RunStep;
  readonly signal: AbortSignal;
}

function interruptionLine(by: NodeJS.Signals, breaksOff: boolean): string {
  return breaksOff
    ? `${by}: ending this step, then everything is taken down`
    : `${by}: it is being taken down already, a few seconds more`;
}

function stepRunner(screen: Screen, journal: Journal, { signal, onSignal }: Interruption): RunStep {
  return (name, title, work) =>
    journal.time(name, () =>
      screen.step(title, async (view) => {
        const end = onSignal((by, first) => view.line(interruptionLine(by, first && name !== TAKE_DOWN)));
        try {
          return await work(view);
        } catch (error) {
          // Whatever broke off says so in words of its own.
          throw signal.aborted && (error as Error).name === 'AbortError' ? signal.reason : error;
        } finally {
          end();
        }
      }),
    );
}

/** The same failure with a message that tells the whole of it. */
function failureOf(error: unknown, message: string): NodelessError {
  return new NodelessError({ code: isNodelessError(error) ? error.code : 'PrerequisiteMissing', message });
}

async function playActs(run: Run, standing: Standing, keep: boolean, hands: Hands): Promise<void> {
  const { screen, step, signal } = hands;
  const { cluster } = standing;
  const tools = toolsOf(cluster, signal);
  const client = await adminClient(cluster);
  const watching = new AbortController();
  try {
    await step('virtual node', 'The provider and its virtual node', (view) =>
      startVirtualNode(view, { standing, tools, signal }),
    );
    const providerRuns = () => isComponentRunning(cluster.paths, PROVIDER);
    const watchSignal = AbortSignal.any([signal, watching.signal]);
    const observer = await startObserver({ client, providerRuns, signal: watchSignal });
    run.observer = observer;
    const stage: Stage = { standing, tools, observer, signal };
    for (const act of keep ? [...ACTS, ENCORE] : ACTS) {
      if (run.ground === undefined || isShown(act, run.ground)) {
        await step(act.name, act.title, (view) => act.run(view, stage));
      } else screen.say(`↓ ${act.title} [skipped: only real cells can show it]`);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw failureOf(error, `${explain(error)}\n\n${await diagnosis({ standing, tools })}`);
  } finally {
    watching.abort();
    await client.close();
  }
}

async function perform(run: Run, options: DemoOptions, hands: Hands): Promise<void> {
  const { step, signal } = hands;
  const choose = async (ground: Ground, missing: readonly string[]) => {
    Object.assign(run, { ground, missing });
    await refuseTwice(ground);
  };
  const ground = await prepareGround({ simulated: options.simulated, step, signal, choose });
  run.begun = true;
  run.standing = await step('cluster', ground.upTitle, (view) => ground.up({ progress: view.progress, signal }));
  await playActs(run, run.standing, options.keep, hands);
}

/** After `perform`: leaves up what is to be kept, takes down everything else. */
async function conclude(run: Run, keep: boolean, step: RunStep): Promise<void> {
  const { ground, standing, failure } = run;
  if (ground === undefined || !run.begun || isNameTaken(failure)) return;
  const halfUp = failure instanceof AggregateError;
  if (standing === undefined && !halfUp) {
    // What fails to come up, or is broken off, goes away by itself.
    run.leftBehind = await ground.traces();
    return;
  }
  if (keep && standing !== undefined && !(failure instanceof Interrupted)) {
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
  const interruption = listenForInterruption();
  const { signal } = interruption;
  const screen = createScreen();
  const run = newRun(new Journal(), options.simulated);
  const step = stepRunner(screen, run.journal, interruption);
  try {
    // So that a file that can't be written, and a demo that is killed, don't go unnoticed.
    if (options.summary !== undefined) await writeSummary(options.summary, unfinished(run));
    await perform(run, options, { screen, step, signal }).catch((error: unknown) => {
      run.failure = signal.aborted && !(error instanceof AggregateError) ? signal.reason : error;
    });
    await conclude(run, options.keep, step);
    // A signal while it was being taken down at the end anyway.
    if (signal.aborted && !run.keptUp) run.failure ??= signal.reason;
    const summary = summaryOf(run);
    if (options.summary !== undefined) await writeSummary(options.summary, summary);
    if (run.failure === undefined) screen.say(closingLines(summary));
    if (run.keptUp && run.standing !== undefined) screen.say(`\n${keepInstructions(run.standing)}`);
  } finally {
    interruption.stop();
  }
  if (run.failure instanceof Interrupted) {
    const rest = run.leftBehind.length === 0 ? 'nothing is left behind' : `left behind: ${run.leftBehind.join('; ')}`;
    screen.say(`Interrupted by ${run.failure.by}: everything was taken down, ${rest}.`);
    return 130;
  }
  if (run.failure !== undefined) throw failureOf(run.failure, explain(run.failure));
  return run.leftBehind.length === 0 ? 0 : 1;
}

/** `nodeless demo --down`. A signal does not break it off. */
export async function runDown(): Promise<number> {
  const interruption = listenForInterruption();
  try {
    const screen = createScreen();
    await takeDownAny(screen, stepRunner(screen, new Journal(), interruption));
    return 0;
  } finally {
    interruption.stop();
  }
}
