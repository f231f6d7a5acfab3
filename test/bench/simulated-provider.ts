import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { call, isStatus } from '../../src/kube/calls.ts';
import { freePorts } from '../../src/local-cluster/loopback/free-ports.ts';
import { readComponent, signalComponent, waitForEnd } from '../../src/local-cluster/processes/component.ts';
import { startProvider } from '../../src/local-cluster/provider/provider-process.ts';
import { ON_CELLS } from '../support/objects.ts';
import type { BenchCluster } from './cluster.ts';
import type { Contestant } from './contestant.ts';

const END_TIMEOUT_MS = 30_000;
const PROGRAM = fileURLToPath(new URL('provider-program.ts', import.meta.url));

/** Ends a component in peace, or by force when it takes too long, and removes its node. */
export async function endComponent({ cluster, client }: BenchCluster, name: string, node: string): Promise<void> {
  await signalComponent(cluster.paths, name, 'SIGTERM');
  if (!(await waitForEnd(cluster.paths, name, END_TIMEOUT_MS))) {
    await signalComponent(cluster.paths, name, 'SIGKILL');
    await waitForEnd(cluster.paths, name, END_TIMEOUT_MS);
  }
  await call(client, { method: 'DELETE', path: `/api/v1/nodes/${node}` }).catch((error: unknown) => {
    if (!isStatus(error, 404)) throw error;
  });
}

export interface SimulatedProvider extends Contestant {
  /** Where the process writes how its event loop was held up. */
  readonly loopFile: string;
}

/** Our provider with simulated cells that lose no time to launch or to start: what is measured is ours. */
export function simulatedProvider(bench: BenchCluster, virtualNode = 'nodeless'): SimulatedProvider {
  const { cluster, context } = bench;
  return {
    name: 'nodeless',
    place: ON_CELLS,
    loopFile: join(cluster.paths.configDir, `${virtualNode}.yaml.loop`),
    async start() {
      const { cellApi, kubeletEndpoint } = await freePorts();
      const host = cluster.address;
      await startProvider({
        cluster,
        virtualNode,
        replica: virtualNode,
        program: PROGRAM,
        signal: context.signal,
        config: {
          provider: 'simulated',
          simulated: { launchTime: '0s', startTime: '0s' },
          cellApi: { host, port: cellApi },
          kubeletEndpoint: { host, port: kubeletEndpoint },
          // Its pods say themselves where they go, as those of its peers do.
          webhook: { enabled: false },
          logLevel: 'warn',
        },
      });
      return (await readComponent(cluster.paths, virtualNode))?.process.pid ?? 0;
    },
    stop: () => endComponent(bench, virtualNode, virtualNode),
  };
}
