import { existsSync } from 'node:fs';
import { NodelessError } from '../../core/errors.ts';
import { clusterPaths } from '../../local-cluster/state.ts';
import { DEMO, type Ground, localGround, simulatedGround } from './ground.ts';
import type { RunStep } from './preparation.ts';
import type { Screen } from './screen.ts';

export const DOWN_COMMAND = 'npm run demo -- --down';

/** Name of the last step, which nothing breaks off. */
export const TAKE_DOWN = 'take down';

/** Takes everything of a ground down and looks for what is left; each trace that could not be removed is a line. */
export async function takeDown(ground: Ground, step: RunStep): Promise<readonly string[]> {
  return step(TAKE_DOWN, 'Taking everything down', async (view) => {
    const failure = await ground.down().then(
      () => undefined,
      (error: unknown) => error,
    );
    const left = await ground.traces();
    if (left.length > 0) view.line(`left behind:\n${left.join('\n')}`);
    else view.line(`nothing is left: no ${ground.kinds}`);
    if (failure !== undefined) throw failure;
    return left;
  });
}

/** @throws NodelessError PrerequisiteMissing when a demo is up, or parts of one that was killed are there. */
export async function refuseTwice(ground: Ground): Promise<void> {
  const traces = await ground.traces();
  if (traces.length === 0) return;
  throw new NodelessError({
    code: 'PrerequisiteMissing',
    message:
      `a demo is there already: it was kept, or killed, or runs elsewhere (${traces.at(-1)}, and ` +
      `${traces.length - 1} more traces); take it down with "${DOWN_COMMAND}" first`,
  });
}

/** `--down`: takes down whatever is there of a demo. Safe to repeat. */
export async function takeDownAny(screen: Screen, step: RunStep): Promise<void> {
  const local = localGround();
  const root = process.getuid?.() === 0;
  const hidden = !root && existsSync(clusterPaths({ name: DEMO }).stateDir);
  const candidates = root ? [local, simulatedGround()] : [simulatedGround()];
  let found = false;
  for (const ground of candidates) {
    if ((await ground.traces()).length === 0) continue;
    found = true;
    await takeDown(ground, step);
  }
  if (hidden) {
    throw new NodelessError({
      code: 'PrerequisiteMissing',
      message: `a demo of root's is up (${local.stateDir}): take it down with "sudo ${DOWN_COMMAND}"`,
    });
  }
  if (!found) screen.say('No demo is up: there is nothing to take down.');
}
