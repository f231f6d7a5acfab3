import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { localFailure } from '../failure.ts';
import { run } from '../processes/run.ts';
import type { ClusterPaths } from '../state.ts';

const END_TIMEOUT_MS = 20_000;

interface Process {
  readonly pid: number;
  readonly argv: readonly string[];
}

/** True for a program of the cluster's folder, and for a provider that is configured by a file in it. */
export function belongsTo(paths: Pick<ClusterPaths, 'stateDir'>, argv: readonly string[]): boolean {
  const own = (path: string | undefined) => path?.startsWith(`${paths.stateDir}/`) === true;
  const config = argv.indexOf('--config');
  return own(argv[0]) || (argv.includes('run') && config > 0 && own(argv[config + 1]));
}

async function processesByProc(): Promise<readonly Process[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0 && pid !== process.pid);
  return Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return { pid, argv: text.split('\0').slice(0, -1) };
    }),
  );
}

/** `  123 /path/of/program an argument` per line, as `ps -o pid=,args=` prints it. */
export function parsePs(output: string): readonly Process[] {
  return output.split('\n').flatMap((line) => {
    const [pid = '', ...argv] = line.trim().split(/\s+/);
    return argv.length === 0 ? [] : [{ pid: Number(pid), argv }];
  });
}

async function processesOf(paths: ClusterPaths): Promise<readonly Process[]> {
  const all =
    process.platform === 'linux'
      ? await processesByProc()
      : parsePs((await run(['ps', '-axww', '-o', 'pid=,args='])).stdout);
  return all.filter(({ argv }) => belongsTo(paths, argv));
}

/** What is left of a cluster on loopback, looked for from outside: one line for each process and for its folder. */
export async function loopbackLeftovers(paths: ClusterPaths): Promise<readonly string[]> {
  const processes = await processesOf(paths);
  return [
    ...processes.map(({ pid, argv }) => `process ${pid}: ${argv.join(' ')}`),
    ...(existsSync(paths.stateDir) ? [`folder ${paths.stateDir}`] : []),
  ];
}

function killHard(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

/**
 * Ends a cluster on loopback and removes all of it, whatever state it is in. All data is thrown away, so nobody
 * needs time to end in peace.
 * @throws NodelessError PrerequisiteMissing that lists what could not be removed.
 */
export async function removeLoopback(paths: ClusterPaths): Promise<void> {
  const deadlineMs = Date.now() + END_TIMEOUT_MS;
  for (;;) {
    const left = await processesOf(paths);
    if (left.length === 0) break;
    for (const { pid } of left) killHard(pid);
    if (Date.now() > deadlineMs) {
      throw localFailure(`processes do not end: ${left.map(({ pid }) => pid).join(', ')}`);
    }
    await delay(25);
  }
  await rm(paths.stateDir, { recursive: true, force: true, maxRetries: 3 });
}
