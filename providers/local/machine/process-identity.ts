import { readFile } from 'node:fs/promises';
import { readIfExists } from './files.ts';

/** A process that can't be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  readonly startTime: string;
  readonly bootId: string;
}

/** Reads a `/proc/PID/stat` line; the program's name in it may hold spaces and parentheses. */
export function parseStat(line: string): ProcessStat {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const [pid, threads] = [Number.parseInt(line, 10), Number(fields[17] ?? 0)];
  return { pid, state: fields[0] ?? '', threads, startTime: fields[19] ?? '' };
}

interface ProcessStat {
  readonly pid: number;
  readonly state: string;
  readonly threads: number;
  readonly startTime: string;
}

/** Reads what a supervisor wrote about itself: its stat line, then the boot's id. */
export function parseIdentity(text: string): ProcessIdentity {
  const [stat = '', bootId = ''] = text.split('\n');
  const { pid, startTime } = parseStat(stat);
  return { pid, startTime, bootId };
}

/** True while exactly that process lives. A zombie does not, unless threads of it are still on their way out: they hold its ports. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  if (!(identity.pid > 0)) return false;
  const stat = await readIfExists(`/proc/${identity.pid}/stat`).catch(() => undefined);
  if (stat === undefined) return false;
  const { state, startTime, threads } = parseStat(stat);
  if (startTime !== identity.startTime || state === 'X' || (state === 'Z' && threads <= 1)) return false;
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim() === identity.bootId;
}
