import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { namespaceName } from '../../providers/local/machine/network.ts';
import type { ClusterPaths } from '../../src/local-cluster/state.ts';
import type { MountSeen } from './observation.ts';
import { textOf } from './small-files.ts';

/** Any hierarchy that has every cell's cgroup. */
export const HIERARCHY = '/sys/fs/cgroup/pids';

/** The folder of the cells' folders. */
export function cellsFolder({ stateDir }: Pick<ClusterPaths, 'stateDir'>): string {
  return join(stateDir, 'cloud', 'cells');
}

/** Ids of the cells that have a network namespace. */
export async function readNamespaces({ name }: ClusterPaths): Promise<readonly string[]> {
  const start = namespaceName(name, '');
  const names = await readdir('/run/netns').catch(() => []);
  return names.filter((candidate) => candidate.startsWith(start)).map((candidate) => candidate.slice(start.length));
}

/** Ids of the cells that have a cgroup. */
export async function readCgroups({ cgroup }: ClusterPaths): Promise<readonly string[]> {
  const entries = await readdir(join(HIERARCHY, cgroup), { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** The mounts of cells that the host has, from its mountinfo: of their network namespaces, and in their folders. */
export function mountsSeen(mountinfo: string, paths: Pick<ClusterPaths, 'name' | 'stateDir'>): readonly MountSeen[] {
  const starts = {
    namespace: `/run/netns/${namespaceName(paths.name, '')}`,
    folder: `${cellsFolder(paths)}/`,
  } as const;
  const points = new Set(mountinfo.split('\n').map((line) => line.split(' ')[4] ?? ''));
  return [...points].flatMap((point) =>
    (['namespace', 'folder'] as const)
      .filter((kind) => point.startsWith(starts[kind]))
      .map((kind) => ({ kind, point, cellId: point.slice(starts[kind].length).split('/')[0] ?? '' })),
  );
}

export function readMounts(paths: ClusterPaths): readonly MountSeen[] {
  return mountsSeen(textOf('/proc/self/mountinfo'), paths);
}

/** How long a process that is not the provider is taken to remain so. */
const OTHERS_MS = 1_000;

/**
 * Finds the processes that run as the cluster's provider; each call resolves with their ids. There are many processes
 * on a machine, so those that are known to be others are passed over for a while.
 */
export function findProviders({ configDir }: ClusterPaths): () => Promise<readonly number[]> {
  const config = join(configDir, 'nodeless.yaml');
  let others = new Set<string>();
  let forgetAtMs = 0;
  function look(pid: string): { pid: number; parent: number } | undefined {
    const words = textOf(`/proc/${pid}/cmdline`).split('\0');
    if (!words.includes('run') || !words.includes(config)) {
      others.add(pid);
      return undefined;
    }
    const parent = /^PPid:\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1];
    return { pid: Number(pid), parent: Number(parent) };
  }
  return async () => {
    if (Date.now() > forgetAtMs) [others, forgetAtMs] = [new Set(), Date.now() + OTHERS_MS];
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && !others.has(name));
    const found = pids.map(look).filter((one) => one !== undefined);
    // A child that it has forked and that has not begun its own program yet looks like it.
    return found.filter(({ parent }) => !found.some(({ pid }) => pid === parent)).map(({ pid }) => pid);
  };
}

/** What a process holds: open files, and resident memory. */
export interface Footprint {
  readonly files: number;
  readonly residentBytes: number;
}

/** Undefined when the process has ended. */
export async function readFootprint(pid: number): Promise<Footprint | undefined> {
  const files = await readdir(`/proc/${pid}/fd`).catch(() => undefined);
  const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(textOf(`/proc/${pid}/status`))?.[1];
  if (files === undefined || kibibytes === undefined) return undefined;
  return { files: files.length, residentBytes: Number(kibibytes) * 1024 };
}
