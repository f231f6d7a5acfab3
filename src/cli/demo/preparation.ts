import { isNodelessError, messageOf } from '../../core/errors.ts';
import { type Ground, localGround, simulatedGround } from './ground.ts';
import { missingForCells, readMachineFacts } from './machine-check.ts';
import type { StepView } from './screen.ts';

/** Runs one step on the screen and in the journal. */
export type RunStep = <T>(name: string, title: string, work: (view: StepView) => Promise<T>) => Promise<T>;

export interface PrepareOptions {
  /** Simulated cells, even where real ones can run. */
  readonly simulated: boolean;
  readonly step: RunStep;
  readonly signal: AbortSignal;
  /** Told what the demo will stand on, and why it is not the real ground; rejects to stop it. */
  readonly choose: (ground: Ground, missing: readonly string[]) => Promise<void>;
}

async function prepare(ground: Ground, { step, signal }: PrepareOptions): Promise<Ground> {
  for (const { name, title, run } of ground.preparations) {
    await step(name, title, (view) => run({ progress: view.progress, signal }));
  }
  return ground;
}

async function lookAround(step: RunStep, signal: AbortSignal): Promise<readonly string[]> {
  return step('machine', 'This machine', async (view) => {
    const missing = missingForCells(await readMachineFacts(signal));
    const lines = missing.map(({ what, remedy }) => `${what}: ${remedy}`);
    if (lines.length === 0) view.line('real cells can run here');
    else view.line(`real cells can't run here, they need\n${lines.map((line) => `- ${line}`).join('\n')}`);
    return lines;
  });
}

async function prepareSimulated(options: PrepareOptions, missing: readonly string[]): Promise<Ground> {
  const ground = simulatedGround();
  await options.choose(ground, missing);
  return prepare(ground, options);
}

/**
 * Gets everything that the demo needs: for real cells if they can run here, else for simulated ones.
 * @throws NodelessError PrerequisiteMissing when not even a control plane can run.
 */
export async function prepareGround(options: PrepareOptions): Promise<Ground> {
  const { simulated, step, signal } = options;
  if (simulated) return prepareSimulated(options, []);
  const missing = await lookAround(step, signal);
  if (missing.length > 0) return prepareSimulated(options, missing);
  const ground = localGround();
  await options.choose(ground, missing);
  try {
    return await prepare(ground, options);
  } catch (error) {
    signal.throwIfAborted();
    if (!isNodelessError(error, 'PrerequisiteMissing')) throw error;
    return prepareSimulated(options, [messageOf(error)]);
  }
}
