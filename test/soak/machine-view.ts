import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CellRecord } from '../../providers/local/cell-store.ts';
import { SYSTEM_CGROUP } from '../../providers/local/machine/cgroups.ts';
import { machineState } from '../../providers/local/machine/machine.ts';
import { parseIdentity } from '../../providers/local/machine/process-identity.ts';
import type { ClusterPaths } from '../../src/local-cluster/state.ts';
import { cellsFolder, HIERARCHY } from './host-view.ts';
import { MACHINE_PROGRAMS, type MachineProgram, type MachineSeen } from './observation.ts';
import { textOf } from './small-files.ts';

const RUNS: Readonly<Record<MachineProgram, (words: readonly string[]) => boolean>> = {
  // It forks the first process of the machine's PID namespace, and ends with it.
  supervisor: ([program = '', ...args]) => program.endsWith('unshare') && args.includes('./supervise.sh'),
  containerd: ([program = '']) => program.split('/').at(-1) === 'containerd',
  kubelet: ([program = '']) => program.split('/').at(-1) === 'kubelet',
};

function parentOf(pid: number): number | undefined {
  const found = /^PPid:\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Without children that were forked and have not begun their own programs yet, and without what has just ended. */
function withoutForks(pids: readonly number[]): readonly number[] {
  if (pids.length < 2) return pids;
  return pids.filter((pid) => {
    const parent = parentOf(pid);
    return parent !== undefined && !pids.includes(parent);
  });
}

/** Ids of the processes of a cell that run its own programs, not of its containers. */
export function programsOf(paths: ClusterPaths, cellId: string): Readonly<Record<MachineProgram, readonly number[]>> {
  const pids = textOf(join(HIERARCHY, paths.cgroup, cellId, SYSTEM_CGROUP, 'cgroup.procs'))
    .split('\n')
    .filter(Boolean);
  const commands = pids.map((pid) => [Number(pid), textOf(`/proc/${pid}/cmdline`).split('\0')] as const);
  const running = (program: MachineProgram) =>
    withoutForks(commands.filter(([, words]) => RUNS[program](words)).map(([pid]) => pid));
  return { supervisor: running('supervisor'), containerd: running('containerd'), kubelet: running('kubelet') };
}

/** Where a kubelet keeps its pods, by the same name in every machine. */
const KUBELET_FOLDER = '/var/lib/kubelet';

/** What is mounted in a machine, from its mountinfo: its kubelet's folder, how often, and volumes of which pods. */
export function mountedIn(mountinfo: string): Pick<MachineSeen, 'kubeletFolders' | 'volumesOf'> {
  const points = mountinfo.split('\n').map((line) => line.split(' ')[4] ?? '');
  const uids = points.map((point) => new RegExp(`^${KUBELET_FOLDER}/pods/([^/]+)/`).exec(point)?.[1]);
  return {
    kubeletFolders: points.filter((point) => point === KUBELET_FOLDER).length,
    volumesOf: [...new Set(uids.filter((uid) => uid !== undefined))],
  };
}

async function readMachine(paths: ClusterPaths, cellId: string): Promise<MachineSeen | undefined> {
  const folder = join(cellsFolder(paths), cellId);
  const text = textOf(join(folder, 'cell.json'));
  if (text === '') return undefined;
  const { tags, createdAtMs } = JSON.parse(text) as CellRecord;
  const found = await machineState(join(folder, 'machine'));
  const programs = programsOf(paths, cellId);
  const { pid } = parseIdentity(textOf(join(folder, 'machine', 'supervisor')));
  const mounted = mountedIn(found === 'running' ? textOf(`/proc/${pid}/mountinfo`) : '');
  // After what is mounted: a pod that has something there has claimed it before.
  const { podUid } = { ...tags, ...(JSON.parse(textOf(join(folder, 'claim')) || '{}') as Partial<typeof tags>) };
  // Last, for it stays until the folder has gone: what was found while the machine was taken apart is void.
  const files: readonly string[] = await readdir(folder).catch(() => ['ending']);
  const state = files.includes('ending') ? 'ending' : found;
  return {
    cellId,
    podUid,
    ofPool: tags.pool !== undefined,
    createdAtMs,
    state: state === 'absent' || state === 'starting' ? 'begun' : state,
    programs: Object.fromEntries(
      MACHINE_PROGRAMS.map((name) => [name, programs[name].length]),
    ) as MachineSeen['programs'],
    ...mounted,
  };
}

/** The machines that this host has, oldest first. */
export async function readMachines(paths: ClusterPaths): Promise<readonly MachineSeen[]> {
  const ids = await readdir(cellsFolder(paths)).catch(() => []);
  const found = await Promise.all(ids.map((cellId) => readMachine(paths, cellId)));
  return found.filter((machine) => machine !== undefined).toSorted((a, b) => a.createdAtMs - b.createdAtMs);
}
