import { isNodelessError, messageOf } from '../../core/errors.ts';
import { type Ground, localGround, simulatedGround } from './ground.ts';
import { missingForCells, readMachineFacts } from './machine-check.ts';
import type { StepView } from './screen.ts';

/** Runs one step on the screen and in the journal. */
export type RunStep = <T>(name: string, title: string, work: (view: StepView) => Promise<T>) => Promise<T>;

/** A ground that everything is in place for, and why it is not the real one, if it is not and nobody asked. */
export interface Prepared {
  readonly ground: Ground;
  readonly missing: readonly string[];
}

async function prepare(ground: Ground, step: RunStep, signal: AbortSignal): Promise<void> {
  for (const { name, title, run } of ground.preparations) {
    await step(name, title, (view) => run({ progress: view.progress, signal }));
  }
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

async function prepareSimulated(step: RunStep, signal: AbortSignal, missing: readonly string[]): Promise<Prepared> {
  const ground = simulatedGround();
  await prepare(ground, step, signal);
  return { ground, missing };
}

/**
 * Gets everything that the demo needs: for real cells if they can run here, else for simulated ones.
 * @throws NodelessError PrerequisiteMissing when not even a control plane can run.
 */
export async function prepareGround(options: {
  readonly simulated: boolean;
  readonly step: RunStep;
  readonly signal: AbortSignal;
}): Promise<Prepared> {
  const { step, signal } = options;
  if (options.simulated) return prepareSimulated(step, signal, []);
  const missing = await lookAround(step, signal);
  if (missing.length > 0) return prepareSimulated(step, signal, missing);
  const ground = localGround();
  try {
    await prepare(ground, step, signal);
    return { ground, missing };
  } catch (error) {
    signal.throwIfAborted();
    if (!isNodelessError(error, 'PrerequisiteMissing')) throw error;
    return prepareSimulated(step, signal, [messageOf(error)]);
  }
}
