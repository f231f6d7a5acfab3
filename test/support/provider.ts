import {
  readComponent,
  signalComponent,
  startComponent,
  waitForEnd,
} from '../../src/local-cluster/processes/component.ts';
import { PROVIDER } from '../../src/local-cluster/provider/provider-process.ts';
import { clusterPaths } from '../../src/local-cluster/state.ts';

const END_TIMEOUT_MS = 5_000;

/** Ends a local cluster's provider at once, as a crash would. */
export async function killProvider(clusterName: string): Promise<void> {
  const paths = clusterPaths({ name: clusterName });
  await signalComponent(paths, PROVIDER, 'SIGKILL');
  await waitForEnd(paths, PROVIDER, END_TIMEOUT_MS);
}

/** Starts it as it was started before. */
export async function startProviderAgain(clusterName: string): Promise<void> {
  const paths = clusterPaths({ name: clusterName });
  const record = await readComponent(paths, PROVIDER);
  await startComponent(paths, PROVIDER, record?.argv ?? []);
}
