import type { Clock } from '../core/clock.ts';
import type { KubeClient, KubeRequest, KubeResponse } from '../kube/client.ts';
import type { CellContext } from './context.ts';
import { tooMany } from './http/refusal.ts';

export interface UpstreamOptions {
  /** A client that is the virtual node to the API server. */
  readonly nodeClient: KubeClient;
  readonly clock: Clock;
}

/** A pod as kubelets write it takes about half as much; each write makes a new version of all of it in etcd. */
const BYTES_PER_WRITE = 16 * 1024;

/**
 * A request to the API server on behalf of a cell: a few at a time, the others in turn, so that one cell can't take all of the
 * provider's connections.
 */
export function askUpstream(
  client: KubeClient,
  { session, signal }: Pick<CellContext, 'session' | 'signal'>,
  request: KubeRequest,
): Promise<KubeResponse> {
  return session.upstream.add(() => client.request({ ...request, signal }), { signal });
}

/**
 * What a cell writes in the cluster, within its rate. An object of many times the usual size counts as so many writes, which
 * are held against the ones that follow.
 * @throws Refusal 429
 */
export async function writeUpstream(
  { nodeClient, clock }: UpstreamOptions,
  context: CellContext,
  request: KubeRequest,
): Promise<KubeResponse> {
  const { session } = context;
  if (!session.writeBucket.take(clock.now())) {
    throw tooMany('the cell writes too much', 'write-rate');
  }
  const response = await askUpstream(nodeClient, context, request);
  session.writeBucket.charge(clock.now(), Math.floor(response.body.length / BYTES_PER_WRITE));
  return response;
}
