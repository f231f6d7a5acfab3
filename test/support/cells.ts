import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { namespaceName } from '../../providers/local/machine/network.ts';
import type { CellTags } from '../../src/core/cell.ts';
import { clusterPaths } from '../../src/local-cluster/state.ts';
import { eventually } from './wait.ts';

function cellsFolder(clusterName: string): string {
  return join(clusterPaths({ name: clusterName }).stateDir, 'cloud', 'cells');
}

/** The folder in which a local cell keeps everything. */
export function cellFolder(clusterName: string, cellId: string): string {
  return join(cellsFolder(clusterName), cellId);
}

/** Ids of all folders of cells: the cloud's own word, with launches that have only begun. */
async function cellFolders(clusterName: string): Promise<readonly string[]> {
  return readdir(cellsFolder(clusterName)).catch(() => []);
}

async function tagsOf(clusterName: string, cellId: string): Promise<CellTags | undefined> {
  const text = await readFile(join(cellFolder(clusterName, cellId), 'cell.json'), 'utf8').catch(() => '');
  if (text === '') return undefined;
  const { tags } = JSON.parse(text) as { tags: CellTags };
  const claim = await readFile(join(cellFolder(clusterName, cellId), 'claim'), 'utf8').catch(() => '{}');
  return { ...tags, ...(JSON.parse(claim) as Partial<CellTags>) };
}

/** The machines that the cloud has, by what is written on them. */
export async function machines(clusterName: string): Promise<readonly CellTags[]> {
  const ids = await cellFolders(clusterName);
  const tags = await Promise.all(ids.map((cellId) => tagsOf(clusterName, cellId)));
  return tags.filter((found) => found !== undefined);
}

/** Names of the cells' network namespaces. */
export async function cellNamespaces(clusterName: string): Promise<readonly string[]> {
  const names = await readdir('/run/netns').catch(() => []);
  return names.filter((name) => name.startsWith(namespaceName(clusterName, 'cell-')));
}

/** Waits until the cloud has nothing of any cell: neither folders nor network namespaces. */
export async function noMachines(clusterName: string, timeoutMs?: number): Promise<void> {
  const left = async () => [...(await cellFolders(clusterName)), ...(await cellNamespaces(clusterName))];
  await eventually('no machine is left', async () => (await left()).length === 0, timeoutMs);
}

/** The pods that have more than one machine, by uid. */
export function podsWithTwins(tags: readonly CellTags[]): readonly string[] {
  const uids = tags.map(({ podUid }) => podUid).filter((uid) => uid !== '');
  return uids.filter((uid, index) => uids.indexOf(uid) !== index);
}

/** Looks for twins all the time until it is stopped; resolves then with the pods that have ever had two machines. */
export function watchForTwins(clusterName: string): { stop(): Promise<readonly string[]> } {
  const found = new Set<string>();
  const stopped = new AbortController();
  async function look(): Promise<void> {
    while (!stopped.signal.aborted) {
      for (const uid of podsWithTwins(await machines(clusterName))) found.add(uid);
      await delay(20);
    }
  }
  const looking = look();
  return {
    async stop() {
      stopped.abort();
      await looking;
      return [...found];
    },
  };
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
    // It may not be there yet, or no more.
    ...(await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []))
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
