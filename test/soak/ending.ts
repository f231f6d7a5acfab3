import { readdir, readFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterPaths } from '../../src/local-cluster/state.ts';
import { mountsIn, processesOf } from '../../src/local-cluster/traces.ts';
import type { Observation } from './observation.ts';

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}

function cloudFolder({ stateDir }: ClusterPaths): string {
  return join(stateDir, 'cloud');
}

/** What an observation still shows of any cell, when nothing is wanted any more. */
export function remainsSeen({ api, machines, namespaces, cgroups }: Observation): readonly string[] {
  if (api === undefined) return ['the API server does not answer'];
  return [
    ...api.pods.map(({ name }) => `pod ${name}`),
    ...api.cells.map((name) => `Cell object ${name}`),
    ...machines.map(({ cellId }) => `machine ${cellId}`),
    ...namespaces.map((cellId) => `network namespace of ${cellId}`),
    ...cgroups.map((cellId) => `cgroup of ${cellId}`),
  ];
}

/** Processes and mounts of cells, whoever knows of them. */
export async function remainsOnHost(paths: ClusterPaths): Promise<readonly string[]> {
  const cloud = cloudFolder(paths);
  const mountinfo = await readFile('/proc/self/mountinfo', 'utf8');
  const processes = await processesOf(paths);
  return [
    ...mountsIn(mountinfo, { stateDir: cloud }).map((point) => `mount ${point}`),
    ...processes
      .filter(({ because, command }) => because === 'cgroup' || command.includes(`${cloud}/cells/`))
      .map(({ pid, command }) => `process ${pid}: ${command}`),
  ];
}

/** Folders of launches that died before they were cells, and addresses that they took: for the next start to sweep. */
export async function debris(paths: ClusterPaths): Promise<readonly string[]> {
  const folders = ['cells', 'trash', 'addresses'].map((name) => join(cloudFolder(paths), name));
  const names = await Promise.all(folders.map(namesIn));
  return names.flatMap((found, index) => found.map((name) => join(folders[index] ?? '', name)));
}

/** Makes debris as old as it has to be to be swept. */
export async function age(files: readonly string[], bySeconds: number): Promise<void> {
  const at = Date.now() / 1_000 - bySeconds;
  await Promise.all(files.map((file) => utimes(file, at, at).catch(() => undefined)));
}
