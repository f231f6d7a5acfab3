import type { KubeClient } from '../../kube/client.ts';
import type { Caller } from '../session.ts';
import { askUpstream } from '../upstream.ts';
import { answer, type Reply, relayed } from './answer.ts';
import { forbidden, Refusal } from './refusal.ts';

const HEALTH = new Set(['/healthz', '/livez', '/readyz']);

export interface PlainPathOptions {
  readonly client: KubeClient;
}

/** Answers paths that are no resources: health to anybody, the cluster's version and bare discovery to cells. */
export async function servePlainPath(
  { client }: PlainPathOptions,
  request: { readonly method: string; readonly path: string; readonly caller: Caller; readonly signal: AbortSignal },
): Promise<Reply> {
  const { method, path, caller, signal } = request;
  if (method !== 'GET') throw new Refusal(405, 'this path can only be read', { denial: 'not-allowed' });
  if (HEALTH.has(path)) return { status: 200, body: 'ok', contentType: 'text/plain; charset=utf-8' };
  if (caller.kind === 'anonymous') throw new Refusal(401, 'Unauthorized', { denial: 'no-credentials' });
  if (caller.kind === 'bootstrap') throw forbidden('token-scope');
  if (path === '/version') {
    const { session } = caller;
    return relayed(await askUpstream(client, { session, signal }, { method: 'GET', path }));
  }
  if (path === '/api') return answer({ kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] });
  if (path === '/apis') return answer({ kind: 'APIGroupList', apiVersion: 'v1', groups: [] });
  throw forbidden('not-allowed');
}
