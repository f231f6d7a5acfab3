import { NodelessError } from '../../core/errors.ts';
import { VIRTUAL_NODE_LABEL } from '../../core/names.ts';
import { call, KubeStatusError } from '../../kube/calls.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/objects.ts';

/** Where the API server passes on to a node's page. */
export function pagePath(node: string, file: string): string {
  return `/api/v1/nodes/${node}/proxy/ui/${file}`;
}

/** The names of the cluster's virtual nodes. @throws NodelessError NotFound where there is none, KubeRequestFailed */
export async function virtualNodesIn(client: KubeClient, signal: AbortSignal): Promise<readonly string[]> {
  const query = { labelSelector: VIRTUAL_NODE_LABEL };
  const { items } = await call<{ items: KubeObject[] }>(client, {
    ...{ method: 'GET', path: '/api/v1/nodes', query, signal },
  });
  if (items.length > 0) return items.map(({ metadata }) => metadata.name).sort();
  const message = 'the cluster has no virtual node; `nodeless install` and `nodeless run` bring one';
  throw new NodelessError({ code: 'NotFound', message });
}

function refusal(node: string, { message: told, status, identity }: KubeStatusError): NodelessError {
  if (status === 404) {
    const message = `node ${node} has no page: it is no virtual node, or its provider is of an older version; ${told}`;
    return new NodelessError({ code: 'NotFound', message, identity });
  }
  const remedy =
    status === 401 || status === 403
      ? `you need to be allowed to get nodes/proxy of ${node}; docs/ui.md has the rule`
      : 'does anybody lead the node? `kubectl get node` tells whether it is Ready';
  return new NodelessError({ code: 'KubeRequestFailed', message: `${told}; ${remedy}`, identity });
}

/** Asks for the page of a node once, so that who may not see it is told so before a browser is. @throws NodelessError */
export async function requirePage(client: KubeClient, node: string, signal: AbortSignal): Promise<void> {
  const request = { method: 'GET', path: pagePath(node, ''), accept: 'text/html', signal } as const;
  const { status, body } = await client.request(request);
  if (status !== 200) throw refusal(node, new KubeStatusError(request, status, body));
}
