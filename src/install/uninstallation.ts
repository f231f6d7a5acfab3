import type { Clock } from '../core/clock.ts';
import { NodelessError } from '../core/errors.ts';
import { call, isStatus } from '../kube/calls.ts';
import type { KubeClient, KubeRequest } from '../kube/client.ts';
import type { KubeObject } from '../kube/objects.ts';

const LOOK_EVERY_MS = 500;

/** What an uninstallation is of, and what it is done with. */
export interface Uninstallation {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly virtualNode: string;
  readonly namespace: string;
  /** How long each stage may take: pods to go, cells to end, the provider to stop, objects to go. */
  readonly timeoutMs: number;
  /** Told of each thing that begins. */
  readonly tell: (step: string) => void;
}

/**
 * Looks again and again until nothing is in the way; `inTheWay` may act, and says what it waits for.
 * @throws NodelessError NotReady saying what is in the way
 */
export async function untilClear(
  { clock, signal, timeoutMs, tell }: Uninstallation,
  inTheWay: () => Promise<string | undefined>,
): Promise<void> {
  const deadlineMs = clock.now() + timeoutMs;
  let told = '';
  for (;;) {
    const what = await inTheWay();
    if (what === undefined) return;
    if (what !== told) tell(what);
    told = what;
    if (clock.now() > deadlineMs) {
      const message = `after ${timeoutMs / 1_000} s ${what}; what is left stays, and a second run goes on from there`;
      throw new NodelessError({ code: 'NotReady', message });
    }
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

/** A call that may be answered with one of these statuses; 200 stands for all that went well. */
export async function ask(client: KubeClient, request: KubeRequest, tolerated: readonly number[]): Promise<number> {
  try {
    await call(client, request);
    return 200;
  } catch (error) {
    const status = tolerated.find((code) => isStatus(error, code));
    if (status === undefined) throw error;
    return status;
  }
}

/** Deletes an object that may have gone already. */
export async function remove(client: KubeClient, path: string, body?: object): Promise<void> {
  await ask(client, { method: 'DELETE', path, ...(body === undefined ? {} : { body }) }, [404]);
}

/** Some of the objects by name, and how many more there are. */
export function named(objects: readonly KubeObject[]): string {
  const names = objects
    .slice(0, 3)
    .map(({ metadata }) => [metadata.namespace, metadata.name].filter(Boolean).join('/'));
  return objects.length > names.length
    ? `${names.join(', ')} and ${objects.length - names.length} more`
    : names.join(', ');
}
