import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { NodelessError } from '../../../src/core/errors.ts';
import { type CgroupHierarchy, hierarchyOf, isUnified, parseHierarchies } from './cgroup-hierarchies.ts';
import { systemCode } from './files.ts';

/** What a cgroup may use; without it, all of the machine. */
export interface CgroupLimits {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
}

const CPU_PERIOD_US = 100_000;

/** The cgroup hierarchies that this process sees. */
export async function cgroupHierarchies(): Promise<readonly CgroupHierarchy[]> {
  return parseHierarchies(await readFile('/proc/self/mountinfo', 'utf8'));
}

function levelsOf(path: string): readonly string[] {
  const names = path.split('/').filter((name) => name !== '');
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
}

async function fillCpuset(directory: string): Promise<void> {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if ((await readFile(join(directory, file), 'utf8')).trim() !== '') continue;
    await writeFile(join(directory, file), await readFile(join(dirname(directory), file), 'utf8'));
  }
}

/** A controller that can't be delegated (busy, or absent) only means that nothing below is limited by it. */
async function delegateControllers(directory: string): Promise<void> {
  const controllers = (await readFile(join(directory, 'cgroup.controllers'), 'utf8')).trim().split(' ');
  for (const controller of controllers.filter((name) => name !== '')) {
    await writeFile(join(directory, 'cgroup.subtree_control'), `+${controller}`).catch(() => undefined);
  }
}

/** The child cgroup of a machine's own programs. Processes in the parent would keep cgroup v2 from limiting pods. */
export const SYSTEM_CGROUP = 'system';

/**
 * Makes `path` and its `system` in every hierarchy and limits the memory of `path`. The CPU limit is not set here: a machine boots
 * unlimited and limits itself afterwards (`cpuLimitFile`).
 */
export async function makeCgroup(path: string, limits: CgroupLimits | undefined): Promise<void> {
  const hierarchies = await cgroupHierarchies();
  const unified = isUnified(hierarchies);
  for (const hierarchy of hierarchies) {
    for (const level of [...levelsOf(path), `${path}/${SYSTEM_CGROUP}`]) {
      const directory = hierarchy.mountPoint + level;
      if (unified && level.length <= path.length) await delegateControllers(dirname(directory));
      await mkdir(directory).catch((error) => {
        if (systemCode(error) !== 'EEXIST') throw error;
      });
      if (hierarchy.controllers.includes('cpuset')) await fillCpuset(directory);
    }
  }
  if (limits === undefined) return;
  const memory = unified ? hierarchies[0] : hierarchyOf(hierarchies, 'memory');
  if (memory === undefined) return;
  const file = unified ? 'memory.max' : 'memory.limit_in_bytes';
  await writeFile(join(memory.mountPoint + path, file), String(limits.memoryBytes));
}

/** The file of a cgroup's CPU limit and what to write into it; undefined without a CPU controller. */
export function cpuLimitFile(
  hierarchies: readonly CgroupHierarchy[],
  cgroup: string,
  limits: CgroupLimits,
): { readonly path: string; readonly value: string } | undefined {
  const quota = Math.max(1000, Math.round((limits.cpuMilli * CPU_PERIOD_US) / 1000));
  if (isUnified(hierarchies)) {
    const [only] = hierarchies;
    return only && { path: join(only.mountPoint + cgroup, 'cpu.max'), value: `${quota} ${CPU_PERIOD_US}` };
  }
  const cpu = hierarchyOf(hierarchies, 'cpu');
  return cpu && { path: join(cpu.mountPoint + cgroup, 'cpu.cfs_quota_us'), value: String(quota) };
}

/** How much of the machine a cgroup has where others want it as well: a tenth of what others have, or as much as they. */
export type CpuWeight = 'background' | 'equal';

const CPU_SHARES: Readonly<Record<CpuWeight, number>> = { background: 102, equal: 1024 };
const CPU_WEIGHT: Readonly<Record<CpuWeight, number>> = { background: 10, equal: 100 };

/** Sets the CPU weight of a cgroup that is there; without a CPU controller nothing is weighed. */
export async function setCpuWeight(path: string, weight: CpuWeight): Promise<void> {
  const hierarchies = await cgroupHierarchies();
  const [only] = hierarchies;
  const [cpu, file, value] = isUnified(hierarchies)
    ? [only, 'cpu.weight', CPU_WEIGHT[weight]]
    : [hierarchyOf(hierarchies, 'cpu'), 'cpu.shares', CPU_SHARES[weight]];
  if (cpu === undefined) return;
  await writeFile(join(cpu.mountPoint + path, file), String(value)).catch((error) => {
    if (systemCode(error) !== 'ENOENT') throw error;
  });
}

/** `directory` and all cgroups below it, deepest first; nothing when it does not exist. */
async function subtree(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (entries === undefined) return [];
  const below: string[] = [];
  for (const entry of entries) {
    if (entry.isDirectory()) below.push(...(await subtree(join(directory, entry.name))));
  }
  return [...below, directory];
}

async function processesIn(directory: string): Promise<readonly number[]> {
  const text = await readFile(join(directory, 'cgroup.procs'), 'utf8').catch(() => '');
  return text.split('\n').filter(Boolean).map(Number);
}

/** Every process in the cgroup or below it, in any hierarchy. */
export async function cgroupProcesses(path: string): Promise<ReadonlySet<number>> {
  const found = new Set<number>();
  for (const hierarchy of await cgroupHierarchies()) {
    for (const directory of await subtree(hierarchy.mountPoint + path)) {
      for (const pid of await processesIn(directory)) found.add(pid);
    }
  }
  return found;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error;
  }
}

/**
 * Kills every process in the cgroup and resolves when none is left.
 * @throws NodelessError AmbiguousOutcome (retryable) when some process still lives at the deadline.
 */
export async function killCgroup(
  path: string,
  deadlineMs: number,
  sleep: (ms: number) => Promise<void>,
): Promise<void> {
  for (let waitedMs = 0, pauseMs = 2; ; waitedMs += pauseMs, pauseMs = Math.min(20, pauseMs * 2)) {
    for (const hierarchy of await cgroupHierarchies()) {
      if (hierarchy.version === 2)
        await writeFile(join(hierarchy.mountPoint + path, 'cgroup.kill'), '1').catch(() => {});
    }
    const pids = await cgroupProcesses(path);
    // 0 is a process outside of this PID namespace: only cgroup.kill reaches it.
    for (const pid of pids) if (pid > 0) kill(pid);
    if (pids.size === 0) return;
    if (waitedMs > deadlineMs) {
      throw new NodelessError({
        code: 'AmbiguousOutcome',
        retryable: true,
        message: `${pids.size} processes in cgroup ${path} have not ended within ${deadlineMs} ms`,
      });
    }
    await sleep(pauseMs);
  }
}

/** Removes the (process-free) cgroup and all below it from every hierarchy. False when something is still in it. */
export async function removeCgroup(path: string): Promise<boolean> {
  let removed = true;
  for (const hierarchy of await cgroupHierarchies()) {
    for (const directory of await subtree(hierarchy.mountPoint + path)) {
      await rmdir(directory).catch((error) => {
        if (systemCode(error) === 'EBUSY' || systemCode(error) === 'ENOTEMPTY') removed = false;
        else if (systemCode(error) !== 'ENOENT') throw error;
      });
    }
  }
  return removed;
}

/** Removes the cgroups above `path` that only grouped others, as far up as nothing else is in them. */
export async function removeEmptyParents(path: string): Promise<void> {
  const parents = levelsOf(path).slice(0, -1).reverse();
  for (const hierarchy of await cgroupHierarchies()) {
    for (const parent of parents) await rmdir(hierarchy.mountPoint + parent).catch(() => undefined);
  }
}
