import type { IncomingMessage } from 'node:http';
import type { KubeObject } from '../../../src/kube/objects.ts';
import { answer, scriptedApiServer } from '../../support/scripted-api-server.ts';

type Json = Record<string, unknown>;

/** A JSON merge patch (RFC 7396), which is what a strategic one is to maps. */
function merged(target: unknown, patch: unknown): unknown {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch;
  const result: Json = { ...(target as Json | undefined) };
  for (const [key, value] of Object.entries(patch)) result[key] = merged(result[key], value);
  return result;
}

async function bodyOf(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? {} : (JSON.parse(Buffer.concat(chunks).toString()) as Json);
}

/** Restricted for nodes as NodeRestriction does: labels of *.kubernetes.io beyond the few that a kubelet may set. */
function mayLabelItself(node: Json): boolean {
  const { labels = {} } = node.metadata as { labels?: Record<string, string> };
  return Object.keys(labels).every((name) => !/^node-(role|restriction)\.kubernetes\.io\//.test(name));
}

/** One Node and its lease, with optimistic locking and what a node may not do to itself. */
export async function nodeServer() {
  const state = {
    node: undefined as KubeObject | undefined,
    lease: undefined as Json | undefined,
    down: false,
    /** Called after each read of the Node: another writer's chance. */
    afterRead: undefined as (() => void) | undefined,
    /** `METHOD path`, with `node` or `provider` for who asked. */
    seen: [] as string[],
    write(change: Json) {
      version += 1;
      const next = merged(state.node, change) as KubeObject;
      state.node = { ...next, metadata: { ...next.metadata, resourceVersion: String(version) } };
      return state.node;
    },
  };
  let version = 0;

  function nodes(method: string, path: string, asNode: boolean, body: Json): [number, unknown] {
    if (method === 'POST') {
      if (state.node !== undefined) return [409, {}];
      if (asNode && !mayLabelItself(body)) return [403, {}];
      return [201, state.write(merged(body, { metadata: { uid: `uid-${version}` } }) as Json)];
    }
    const { node } = state;
    if (node === undefined) return [404, {}];
    if (method === 'GET') {
      state.afterRead?.();
      return [200, node];
    }
    if (path.endsWith('/status')) return asNode ? [200, state.write(body)] : [403, {}];
    if (asNode) return [403, {}];
    const { resourceVersion } = body.metadata as { resourceVersion?: string };
    const stale = resourceVersion !== undefined && resourceVersion !== node.metadata.resourceVersion;
    return stale ? [409, {}] : [200, state.write(body)];
  }

  function leases(method: string, body: Json): [number, unknown] {
    if (method === 'PATCH' && state.lease === undefined) return [404, {}];
    state.lease = merged(state.lease, body) as Json;
    return [200, state.lease];
  }

  const server = await scriptedApiServer(async (request, response, { pathname }) => {
    const body = await bodyOf(request);
    const { method = '' } = request;
    const asNode = request.headers['impersonate-user'] !== undefined;
    state.seen.push(`${asNode ? 'node' : 'provider'} ${method} ${pathname}`);
    if (state.down) return answer(response, 500, {});
    const isNode = pathname.startsWith('/api/v1/nodes');
    const [status, reply] = isNode ? nodes(method, pathname, asNode, body) : leases(method, body);
    return answer(response, status, reply);
  });
  return { ...server, state };
}
