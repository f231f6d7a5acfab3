import type { Clock } from '../../src/core/clock.ts';
import type { CollectionReader } from '../../src/kube/collection.ts';
import type { KubeObject } from '../../src/kube/objects.ts';

/** A watch is behind by less, or is broken; API servers wait 2 s for an answer about routing. */
const WAIT_MS = 1_000;

/**
 * Whether a namespace is known, if need be after a moment: the API server has it before the watch tells, and without its labels
 * nobody knows what it asks for its pods.
 */
export function whenKnown(
  namespaces: Pick<CollectionReader<KubeObject>, 'get' | 'subscribe'>,
  namespace: string,
  clock: Clock,
): boolean | Promise<boolean> {
  const isKnown = () => namespaces.get(undefined, namespace) !== undefined;
  return isKnown() || waitedFor(namespaces, isKnown, clock);
}

async function waitedFor(
  namespaces: Pick<CollectionReader<KubeObject>, 'subscribe'>,
  isKnown: () => boolean,
  clock: Clock,
): Promise<boolean> {
  const waiting = new AbortController();
  const unsubscribe = namespaces.subscribe(() => isKnown() && waiting.abort());
  await clock.sleep(WAIT_MS, waiting.signal).catch(() => undefined);
  unsubscribe();
  return isKnown();
}
