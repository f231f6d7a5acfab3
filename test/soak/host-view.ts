import { closeSync, openSync, readSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CellRecord } from '../../providers/local/cell-store.ts';
import { SYSTEM_CGROUP } from '../../providers/local/machine/cgroups.ts';
import { machineState } from '../../providers/local/machine/machine.ts';
import { namespaceName } from '../../providers/local/machine/network.ts';
import type { ClusterPaths } from '../../src/local-cluster/state.ts';
import type { MachineSeen } from './observation.ts';

/** Any hierarchy that has every cell's cgroup. */
const HIERARCHY = '/sys/fs/cgroup/pids';

const buffer = Buffer.alloc(65_536);

/**
 * A small file's text; empty when it is not there. At once, and always into the same memory: hundreds of such files are
 * read each second, all of them in memory, and the machine is to be the cells'.
 */
function textOf(path: string): string {
  try {
    const file = openSync(path, 'r');
    try {
      return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, 0));
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}

function cellsFolder({ stateDir }: ClusterPaths): string {
  return join(stateDir, 'cloud', 'cells');
}

/** Ids of the processes of a cell that run this program (`kubelet`, `containerd`), not of its containers. */
export function programsOf(paths: ClusterPaths, cellId: string, program: string): readonly number[] {
  const pids = textOf(join(HIERARCHY, paths.cgroup, cellId, SYSTEM_CGROUP, 'cgroup.procs'))
    .split('\n')
    .filter(Boolean);
  const runs = (pid: string) => textOf(`/proc/${pid}/cmdline`).split('\0')[0]?.split('/').at(-1) === program;
  return pids.filter(runs).map(Number);
}

async function readMachine(paths: ClusterPaths, cellId: string): Promise<MachineSeen | undefined> {
  const folder = join(cellsFolder(paths), cellId);
  const text = textOf(join(folder, 'cell.json'));
  if (text === '') return undefined;
  const { tags, createdAtMs } = JSON.parse(text) as CellRecord;
  const found = await machineState(join(folder, 'machine'));
  // Last, for it stays until the folder has gone: what was found while the machine was taken apart is void.
  const files: readonly string[] = await readdir(folder).catch(() => ['ending']);
  const state = files.includes('ending') ? 'ending' : found;
  const hasKubelet = state === 'running' && programsOf(paths, cellId, 'kubelet').length > 0;
  return {
    cellId,
    podUid: tags.podUid,
    createdAtMs,
    state: state === 'absent' || state === 'starting' ? 'begun' : state,
    hasKubelet,
  };
}

/** The machines that this host has, oldest first. */
export async function readMachines(paths: ClusterPaths): Promise<readonly MachineSeen[]> {
  const ids = await readdir(cellsFolder(paths)).catch(() => []);
  const found = await Promise.all(ids.map((cellId) => readMachine(paths, cellId)));
  return found.filter((machine) => machine !== undefined).toSorted((a, b) => a.createdAtMs - b.createdAtMs);
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
