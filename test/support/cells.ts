import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { clusterPaths } from '../../src/local-cluster/state.ts';

/** The folder in which a local cell keeps everything. */
export function cellFolder(clusterName: string, cellId: string): string {
  return join(clusterPaths({ name: clusterName }).stateDir, 'cloud', 'cells', cellId);
}

/** Ids of the processes in a cell's cgroup, with their command lines, as the host sees them. */
export async function cellProcesses(
  clusterName: string,
  cellId: string,
): Promise<readonly { pid: number; command: string }[]> {
  const hierarchy = '/sys/fs/cgroup/pids';
  const root = join(hierarchy, clusterPaths({ name: clusterName }).cgroup, cellId);
  const folders = [
    root,
    ...(await readdir(root, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name)),
  ];
  const pids = (
    await Promise.all(folders.map((folder) => readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '')))
  ).flatMap((text) => text.split('\n').filter(Boolean).map(Number));
  return Promise.all(
    pids.map(async (pid) => ({
      pid,
      command: (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' '),
    })),
  );
}
