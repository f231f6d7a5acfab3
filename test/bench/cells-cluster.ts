import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KubeClient } from '../../src/kube/client.ts';
import { down } from '../../src/local-cluster/down.ts';
import { readComponent, startComponent, waitForComponent } from '../../src/local-cluster/processes/component.ts';
import { adminClient, PROVIDER, startProvider } from '../../src/local-cluster/provider/provider-process.ts';
import { type LocalCluster, up } from '../../src/local-cluster/up.ts';
import type { BenchContext } from './benchmark.ts';
import { type Channel, openChannel } from './hollow/channel.ts';
import { CLOUD_SOCKET, PROVIDER_SOCKET } from './hollow/sockets.ts';

export const CLUSTER = 'benchcells';
const CLOUD = 'hollow-cloud';
const CLOUD_TIMEOUT_MS = 20_000;
const CLOUD_PROGRAM = fileURLToPath(new URL('./hollow/process.ts', import.meta.url));
const PROVIDER_PROGRAM = fileURLToPath(new URL('./hollow/provider.ts', import.meta.url));

/** A cluster whose virtual node's cells are hollow, and the ways to its processes. */
export interface HollowCluster {
  readonly client: KubeClient;
  readonly provider: Channel;
  readonly cloud: Channel;
  readonly pids: { readonly provider: number; readonly cloud: number; readonly apiServer: number };
}

async function answers(socketPath: string): Promise<boolean> {
  const socket = connect(socketPath);
  const opened = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return opened;
}

/** Brings a local cluster up, has the work done, and takes it down whatever happens. */
export async function withCluster<T>(
  context: BenchContext,
  options: { readonly regularNode: boolean },
  work: (cluster: LocalCluster) => Promise<T>,
): Promise<T> {
  const { signal, progress } = context;
  try {
    return await work(await up({ name: CLUSTER, replace: true, signal, progress, ...options }));
  } finally {
    await down({ name: CLUSTER });
  }
}

async function pidOf({ paths }: LocalCluster, component: string): Promise<number> {
  return (await readComponent(paths, component))?.process.pid ?? 0;
}

/** The same with a provider over hollow cells in a process of their own. */
export async function withHollowCells<T>(
  context: BenchContext,
  config: NonNullable<Parameters<typeof startProvider>[0]['config']>,
  work: (cluster: HollowCluster) => Promise<T>,
): Promise<T> {
  return withCluster(context, { regularNode: false }, async (cluster) => {
    const { signal } = context;
    const { paths } = cluster;
    const cloudSocket = join(paths.stateDir, CLOUD_SOCKET);
    await startComponent(paths, CLOUD, [process.execPath, CLOUD_PROGRAM, cloudSocket]);
    const check = () => answers(cloudSocket);
    await waitForComponent(paths, CLOUD, { check, timeoutMs: CLOUD_TIMEOUT_MS, signal });
    await startProvider({ cluster, signal, config, program: PROVIDER_PROGRAM });
    const client = await adminClient(cluster);
    const cloud = openChannel(cloudSocket);
    const provider = openChannel(join(paths.stateDir, PROVIDER_SOCKET));
    try {
      const pids = {
        provider: await pidOf(cluster, PROVIDER),
        cloud: await pidOf(cluster, CLOUD),
        apiServer: await pidOf(cluster, 'kube-apiserver'),
      };
      return await work({ client, cloud, provider, pids });
    } finally {
      await Promise.all([client.close(), cloud.close(), provider.close()]);
    }
  });
}
