import { z } from 'zod';
import { shapedJson } from '../core/json-text.ts';
import type { CellClient } from './cell-client.ts';
import type { CellAddress } from './ports.ts';

const LIMITS = { timeoutMs: 5_000, maxBytes: 4 * 1024 * 1024 };
/** What a kubelet was shown, and, where it has begun anew since, what its containers are of. */
const PATHS = ['/pods', '/runningpods/'];

const podList = z.looseObject({
  items: z
    .array(z.looseObject({ metadata: z.looseObject({ uid: z.string() }) }))
    .nullish()
    .transform((items) => items ?? []),
});

/** The uids in a kubelet's list of pods; undefined when it is none. */
export function uidsIn(text: string): readonly string[] | undefined {
  return shapedJson(podList, text)?.items.map(({ metadata }) => metadata.uid);
}

/** The uids of the pods that a cell's kubelet has; undefined when it does not answer, or not as a kubelet does. */
export async function podUidsOf(
  client: Pick<CellClient, 'fetch'>,
  cell: CellAddress,
  signal: AbortSignal,
): Promise<ReadonlySet<string> | undefined> {
  const answers = await Promise.all(
    PATHS.map((path) => client.fetch(cell, path, 'application/json', { ...LIMITS, signal })),
  );
  const lists = answers.map((answer) => (answer.ok ? uidsIn(answer.body.toString()) : undefined));
  const [shown, running] = lists;
  return shown === undefined || running === undefined ? undefined : new Set([...shown, ...running]);
}
