import { call } from '../../src/kube/calls.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { Observation } from './observation.ts';
import type { Observer } from './observer.ts';
import { type DeploymentSeen, unsettled } from './unsettled.ts';
import { DEPLOYMENTS } from './user.ts';

/** How long everything may take to be as it is to be. */
export const SETTLE_TIMEOUT_MS = 150_000;

/** Waits until `left` is empty of what is seen; rejects at the deadline with what is left then. */
export async function untilNothing(
  what: string,
  observer: Observer,
  left: (seen: Observation) => Promise<readonly string[]> | readonly string[],
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const deadlineMs = Date.now() + options.timeoutMs;
  for (;;) {
    const seen = await observer.next();
    options.signal.throwIfAborted();
    const rest = await left(seen);
    if (rest.length === 0) return;
    if (Date.now() < deadlineMs) continue;
    throw new Error(`${what}: not within ${options.timeoutMs / 1_000} s, for ${rest.join('; ')}`);
  }
}

/** Waits until everything is as it is to be. */
export async function settle(
  observer: Observer,
  client: KubeClient,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const left = async (seen: Observation) => {
    const { items } = await call<{ items: DeploymentSeen[] }>(client, { method: 'GET', path: DEPLOYMENTS });
    return unsettled(seen, items);
  };
  await untilNothing('settles', observer, left, options);
}
