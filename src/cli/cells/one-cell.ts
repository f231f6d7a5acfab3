import { NodelessError } from '../../core/errors.ts';
import { CELLS_PATH } from '../../core/names.ts';
import { call, getOrUndefined } from '../../kube/calls.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/objects.ts';

function pathOf(cellId: string): string {
  return `${CELLS_PATH}/${encodeURIComponent(cellId)}`;
}

/** The Cell object of a cell. @throws NodelessError NotFound */
export async function readCell(client: KubeClient, cellId: string): Promise<KubeObject> {
  const cell = await getOrUndefined<KubeObject>(client, pathOf(cellId));
  if (cell !== undefined) return cell;
  const message = `there is no cell ${cellId}; \`nodeless cells\` lists those that there are`;
  throw new NodelessError({ code: 'NotFound', message });
}

/** Tells the provider to end cells, as each was when it was read: another of the same name is left. */
export async function endCells(client: KubeClient, cells: readonly KubeObject[]): Promise<void> {
  for (const { metadata } of cells) {
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: metadata.uid } };
    await call(client, { method: 'DELETE', path: pathOf(metadata.name), body });
  }
}

/** What ending cells does to pods, before it is done. Pure. */
export function endQuestion(cells: readonly KubeObject[]): string {
  const lines = cells.map(({ metadata, status }) => {
    const { pods = [] } = (status ?? {}) as { readonly pods?: readonly string[] };
    return `${metadata.name}: ${pods.length === 0 ? 'no pod is on it' : `${pods.join(', ')} fail${pods.length === 1 ? 's' : ''}`}`;
  });
  return `${lines.join('\n')}\nThe machines end with all that is on their disks; controllers make other pods.`;
}
