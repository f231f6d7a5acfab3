import type { Readable } from 'node:stream';
import { NodelessError } from '../../core/errors.ts';
import { call } from '../../kube/calls.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { WirePod } from '../../kube/wire-pod.ts';
import { daemonSetOwnerOf } from '../../placement/place.ts';
import { beginningOf } from '../beginning-of.ts';
import { virtualNodeOf } from './virtual-node-of.ts';

/** Which log is read, and how much of it. */
export interface LogQuery {
  readonly cellId: string;
  /** Name of the agent's DaemonSet, or of its pod. */
  readonly agent: string;
  readonly namespace: string;
  readonly container?: string;
  /** How many lines of its end. */
  readonly tail?: string;
  /** Of the container that ended last. */
  readonly previous?: boolean;
  /** Its lines as they are written, from then on. */
  readonly follow?: boolean;
}

/** What is shown of why there is no log, as the kubelet or the API server says it. */
const MAX_REFUSAL_CHARACTERS = 500;

function notFound(message: string): NodelessError {
  return new NodelessError({ code: 'NotFound', message });
}

async function podOf(client: KubeClient, node: string, { namespace, agent }: LogQuery): Promise<WirePod> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  const query = { fieldSelector: `spec.nodeName=${node}` };
  const { items } = await call<{ items: WirePod[] }>(client, { method: 'GET', path, query });
  const named = items.filter((pod) => pod.metadata.name === agent || daemonSetOwnerOf(pod)?.name === agent);
  // While one is replaced, the one that stays.
  const found = named.find(({ metadata }) => metadata.deletionTimestamp === undefined) ?? named[0];
  if (found !== undefined) return found;
  throw notFound(
    `no pod on node ${node} is ${agent}, or of a DaemonSet of that name, in namespace ${namespace}; another is given by -n`,
  );
}

function containerOf(pod: WirePod, wanted: string | undefined): string {
  const names = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map(({ name }) => name);
  const container = wanted ?? names[0] ?? '';
  if (names.includes(container)) return container;
  throw notFound(`pod ${pod.metadata.name} has no container ${container}; it has ${names.join(', ')}`);
}

/**
 * Reads a log of a pod as one cell has it, by way of the API server and the virtual node's kubelet endpoint; needs `get` on
 * `nodes/proxy`. It comes as it is read. @throws NodelessError NotFound, KubeRequestFailed
 */
export async function readAgentLog(client: KubeClient, query: LogQuery): Promise<Readable> {
  const { cellId, tail, previous, follow } = query;
  const node = await virtualNodeOf(client, cellId);
  const pod = await podOf(client, node, query);
  const { namespace, name } = pod.metadata;
  const path = `/api/v1/nodes/${node}/proxy/containerLogs/${namespace}/${name}/${containerOf(pod, query.container)}`;
  const options = {
    cell: cellId,
    ...(tail === undefined ? {} : { tailLines: tail }),
    ...(previous === true ? { previous: 'true' } : {}),
    ...(follow === true ? { follow: 'true' } : {}),
  };
  // One that is followed may say nothing for as long as it likes, not even that it begins.
  const silence = follow === true ? { idleTimeoutMs: 0 } : {};
  const { status, body } = await client.stream({ method: 'GET', path, query: options, accept: '*/*', ...silence });
  if (status === 200) return body;
  const said = await beginningOf(body, MAX_REFUSAL_CHARACTERS);
  const message = `the log can not be read (${status}): ${said.trim()}`;
  throw new NodelessError({ code: 'KubeRequestFailed', message, identity: { cell: cellId, status } });
}
