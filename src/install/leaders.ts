import type { Clock } from '../core/clock.ts';
import { leaseName } from '../core/names.ts';
import type { KubeClient } from '../kube/client.ts';
import { leaderBy } from '../kube/lease.ts';

export interface Looking {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Of the provider. */
  readonly namespace: string;
}

/** Who leads each of the virtual nodes now; undefined where nobody does. Takes as long as `leaderBy`. */
export function leadersOf(
  { client, clock, signal, namespace }: Looking,
  nodes: readonly string[],
): Promise<readonly (string | undefined)[]> {
  return Promise.all(nodes.map((node) => leaderBy({ client, namespace, name: leaseName(node) }, { clock, signal })));
}
