import type { Clock } from '../../core/clock.ts';
import type { KubeClient, KubeRequest, KubeResponse } from '../../kube/client.ts';
import type { CellContext } from '../context.ts';
import { Refusal } from '../http/refusal.ts';

export interface UpstreamOptions {
  /** A client that is the virtual node to the API server. */
  readonly nodeClient: KubeClient;
  readonly clock: Clock;
}

/** A pod as kubelets write it takes about half as much; each write makes a new version of all of it in etcd. */
const BYTES_PER_WRITE = 16 * 1024;

/**
 * What a cell writes in the cluster, within its rate. An object of many times the usual size counts as so many writes, which
 * are held against the ones that follow.
 * @throws Refusal 429
 */
export async function writeUpstream(
  { nodeClient, clock }: UpstreamOptions,
  { session, signal }: CellContext,
  request: KubeRequest,
): Promise<KubeResponse> {
  if (!session.writeBucket.take(clock.now())) {
    throw new Refusal(429, 'the cell writes too much', { denial: 'write-rate', retryAfterSeconds: 1 });
  }
  const response = await nodeClient.request({ ...request, signal });
  session.writeBucket.charge(clock.now(), Math.floor(response.body.length / BYTES_PER_WRITE));
  return response;
}
