import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import {
  readComponent,
  signalComponent,
  startComponent,
  waitForEnd,
} from '../../src/local-cluster/processes/component.ts';
import { PROVIDER } from '../../src/local-cluster/provider/provider-process.ts';
import { clusterPaths } from '../../src/local-cluster/state.ts';

const END_TIMEOUT_MS = 5_000;
/** Kubernetes' own patience with a pod is 30 s. */
const ORDERLY_END_MS = 25_000;

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

/** Writes sections to a local cluster's provider configuration, for its next start; the returned function takes them back. */
export async function reconfigure(clusterName: string, sections: object): Promise<() => Promise<void>> {
  const file = join(clusterPaths({ name: clusterName }).configDir, `${PROVIDER}.yaml`);
  const before = await readFile(file, 'utf8');
  await writeFile(file, stringify({ ...parse(before), ...sections }));
  return () => writeFile(file, before);
}

/** Ends a component in order. @throws Error when it does not end, after it was ended otherwise */
export async function endComponent(clusterName: string, name: string): Promise<void> {
  const paths = clusterPaths({ name: clusterName });
  await signalComponent(paths, name, 'SIGTERM');
  if (await waitForEnd(paths, name, ORDERLY_END_MS)) return;
  await signalComponent(paths, name, 'SIGKILL');
  await waitForEnd(paths, name, END_TIMEOUT_MS);
  throw new Error(`${name} did not end within ${ORDERLY_END_MS / 1_000} s of SIGTERM`);
}
