import type { Readable } from 'node:stream';
import { NodelessError } from '../../core/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import { beginningOf } from '../beginning-of.ts';
import { virtualNodeOf } from './virtual-node-of.ts';

const MAX_REFUSAL = 500;

/**
 * Reads what a cell's machine has written to its console, by way of the API server and the virtual node's kubelet endpoint;
 * needs `get` on `nodes/proxy`. @throws NodelessError NotFound, KubeRequestFailed
 */
export async function readConsole(client: KubeClient, cellId: string): Promise<Readable> {
  const node = await virtualNodeOf(client, cellId);
  const path = `/api/v1/nodes/${node}/proxy/logs/console/${cellId}`;
  const { status, body } = await client.stream({ method: 'GET', path, accept: '*/*' });
  if (status === 200) return body;
  const why = (await beginningOf(body, MAX_REFUSAL)).trim();
  const message = `the console can not be read (${status}): ${why}`;
  throw new NodelessError({ code: 'KubeRequestFailed', message, identity: { cell: cellId, status } });
}
