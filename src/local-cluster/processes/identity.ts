import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import {
  isAlive as isAliveByProc,
  type ProcessIdentity,
  parseStat,
} from '../../../providers/local/machine/process-identity.ts';

const runFile = promisify(execFile);
const PS_TIMEOUT_MS = 5_000;

/** Where there is no /proc, `ps` tells when a process started; empty when it is gone. */
async function startByPs(pid: number): Promise<string> {
  const { stdout } = await runFile('ps', ['-o', 'lstart=,stat=', '-p', String(pid)], { timeout: PS_TIMEOUT_MS }).catch(
    () => ({ stdout: '' }),
  );
  const [, start = '', state = ''] = /^(.*\d)\s+(\S+)\s*$/.exec(stdout.trim()) ?? [];
  return state.startsWith('Z') ? '' : start;
}

/** What distinguishes a running process from a later one with the same number. */
export async function identityOf(pid: number, platform: string = process.platform): Promise<ProcessIdentity> {
  if (platform !== 'linux') return { pid, startTime: await startByPs(pid), bootId: '' };
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => `${pid} () X`);
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  return { pid, startTime: parseStat(stat).startTime, bootId };
}

/** True while exactly that process lives. */
export async function isAlive(identity: ProcessIdentity, platform: string = process.platform): Promise<boolean> {
  if (platform === 'linux') return isAliveByProc(identity);
  return identity.startTime !== '' && (await startByPs(identity.pid)) === identity.startTime;
}
