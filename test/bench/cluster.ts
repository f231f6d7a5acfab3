import { systemClock } from '../../src/core/clock.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { type LoopbackCluster, loopbackRef, upLoopback } from '../../src/local-cluster/loopback/cluster.ts';
import { removeLoopback } from '../../src/local-cluster/loopback/removal.ts';
import { adminClient } from '../../src/local-cluster/provider/provider-process.ts';
import { clusterPaths } from '../../src/local-cluster/state.ts';
import type { BenchContext } from './benchmark.ts';

export const CLUSTER = 'bench';

/** A control plane on loopback and its admin. */
export interface BenchCluster {
  readonly cluster: LoopbackCluster;
  readonly client: KubeClient;
  readonly context: BenchContext;
}

/** Runs something on a fresh control plane on loopback, which is gone afterwards, whatever happens. */
export async function onLoopback<T>(context: BenchContext, work: (bench: BenchCluster) => Promise<T>): Promise<T> {
  const paths = clusterPaths(loopbackRef(CLUSTER));
  await removeLoopback(paths);
  const cluster = await upLoopback({ name: CLUSTER, progress: context.progress, signal: context.signal });
  try {
    const client = await adminClient(cluster);
    try {
      return await work({ cluster, client, context });
    } finally {
      await client.close();
    }
  } finally {
    await removeLoopback(paths);
  }
}

/** Waits until a condition holds. @throws Error at the deadline, with what was waited for. */
export async function until(
  what: string,
  check: () => Promise<boolean>,
  { signal, timeoutMs, everyMs = 50 }: { signal: AbortSignal; timeoutMs: number; everyMs?: number },
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await check())) {
    signal.throwIfAborted();
    if (performance.now() > deadlineMs) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
    await systemClock.sleep(everyMs, signal);
  }
}
