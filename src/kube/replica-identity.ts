import { randomBytes } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';

/** Where a process is, precisely enough to tell from elsewhere in the same place that it has ended. */
interface Place {
  /** The machine's boot and the PID namespace. */
  readonly place: string;
  readonly pid: number;
  /** Of the process, in clock ticks since the boot: process ids are used again. */
  readonly startTime: string;
}

async function startTimeOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The command, in parentheses, may have spaces; the start time is the 20th field after it.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

/** Asked without a file: who is out of files, or may not read of others in /proc, is told all the same. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

async function ownPlace(): Promise<Place | undefined> {
  const [boot, namespace, startTime] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => undefined),
    readlink('/proc/self/ns/pid').catch(() => undefined),
    startTimeOf(process.pid),
  ]);
  if (boot === undefined || namespace === undefined || startTime === undefined) return undefined;
  return { place: `${boot.trim()}.${namespace.replace(/\D/g, '')}`, pid: process.pid, startTime };
}

/** Who this process is among the replicas, and whether another one is known to have ended. */
export interface ReplicaIdentity {
  readonly identity: string;
  /** True only when the holder was a process of this very machine and PID namespace, and is no more. */
  hasEnded(holder: string): Promise<boolean>;
}

/**
 * An identity of its own for each process, so that two never lead as one. A leader that was killed on this machine can
 * be succeeded at once, since its end can be seen; elsewhere the lease has to expire.
 */
export async function replicaIdentity(): Promise<ReplicaIdentity> {
  const own = await ownPlace();
  if (own === undefined) {
    return { identity: `${hostname()}_${randomBytes(6).toString('hex')}`, hasEnded: async () => false };
  }
  const { place, pid, startTime } = own;
  return {
    identity: `${hostname()}_${place}_${pid}_${startTime}`,
    async hasEnded(holder) {
      const [, heldIn, heldBy, heldSince] = /_([^_]+)_(\d+)_(\d+)$/.exec(holder) ?? [];
      if (heldIn !== place || heldBy === undefined) return false;
      if (!isThere(Number(heldBy))) return true;
      // What can't be read tells nothing.
      const startTime = await startTimeOf(Number(heldBy));
      return startTime !== undefined && startTime !== heldSince;
    },
  };
}
