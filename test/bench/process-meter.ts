import { readFile, writeFile } from 'node:fs/promises';

/** Of Linux on every architecture that Node.js runs on. */
const TICKS_PER_SECOND = 100;
/** Fields after the command's closing bracket; proc(5) counts utime as the 14th of all. */
const UTIME = 11;
const STIME = 12;

/** User and system seconds of a process and all of its threads since its start. @throws when it has ended. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[UTIME]) + Number(fields[STIME])) / TICKS_PER_SECOND;
}

async function statusKiB(pid: number, field: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
}

/** Resident memory now. */
export async function residentMiB(pid: number): Promise<number> {
  return (await statusKiB(pid, 'VmRSS')) / 1024;
}

/** What a process has used since a moment. */
export interface Usage {
  readonly cpuSeconds: number;
  /** The most that was resident at once since then. */
  readonly peakMiB: number;
}

/** Begins to measure a process; call the result for what it has used since. */
export async function meter(pid: number): Promise<() => Promise<Usage>> {
  // Forgets the peak so far (proc(5): clear_refs).
  await writeFile(`/proc/${pid}/clear_refs`, '5');
  const before = await cpuSeconds(pid);
  return async () => ({
    cpuSeconds: (await cpuSeconds(pid)) - before,
    peakMiB: (await statusKiB(pid, 'VmHWM')) / 1024,
  });
}

/** Begins to measure the CPU of several processes together. */
export async function meterAll(pids: readonly number[]): Promise<() => Promise<number>> {
  const all = async () => (await Promise.all(pids.map(cpuSeconds))).reduce((sum, seconds) => sum + seconds, 0);
  const before = await all();
  return async () => (await all()) - before;
}
