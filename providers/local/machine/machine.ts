import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import { NodelessError } from '../../../src/core/errors.ts';
import { killCgroup, removeCgroup, removeEmptyParents } from './cgroups.ts';
import { readIfExists } from './files.ts';
import { networkDown } from './network.ts';
import { prepareMachine, readRecord } from './prepare.ts';
import { isAlive, parseIdentity } from './process-identity.ts';
import type { MachineSpec } from './spec.ts';

const START_TIMEOUT_MS = 15_000;
const END_TIMEOUT_MS = 10_000;

/** `absent`: nothing was begun. `starting`: begun, perhaps by a process that died; starting it again finishes it. */
export type MachineState = 'absent' | 'starting' | 'running' | 'ending' | 'ended';

/** The state of the machine in a folder. `ended` means that every process on it is gone. */
export async function machineState(directory: string): Promise<MachineState> {
  if (existsSync(join(directory, 'ending'))) return 'ending';
  const supervisor = await readIfExists(join(directory, 'supervisor'));
  if (supervisor !== undefined) return (await isAlive(parseIdentity(supervisor))) ? 'running' : 'ended';
  return existsSync(join(directory, 'machine.json')) ? 'starting' : 'absent';
}

function inNamespace(routerNamespace: string | undefined, words: readonly [string, ...string[]]) {
  const [program, ...args] = words;
  return routerNamespace === undefined
    ? { program, args }
    : { program: 'nsenter', args: [`--net=${routerNamespace}`, program, ...args] };
}

/** Starts the first process: detached from this one and its terminal, with files of its own. */
async function spawnFirstProcess(spec: MachineSpec): Promise<{ exitCode(): number | undefined }> {
  const { program, args } = inNamespace(spec.network.routerNamespace, ['sh', './start.sh']);
  const console = await open(join(spec.directory, 'console.log'), 'a');
  try {
    let code: number | undefined;
    const child = spawn(program, args, {
      cwd: spec.directory,
      detached: true,
      stdio: ['ignore', console.fd, console.fd],
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
    });
    child.on('error', () => {
      code = 127;
    });
    child.on('exit', (exitCode) => {
      code = exitCode ?? 128;
    });
    child.unref();
    return { exitCode: () => code };
  } finally {
    await console.close();
  }
}

/**
 * Starts a machine; resolves when its supervisor runs (containerd and the kubelet follow). Idempotent: finds the
 * machine that the folder tells of, or finishes a half-made one. One that has ended or is ending is left so: see the
 * returned state.
 * @throws NodelessError AmbiguousOutcome (retryable) when it did not start in time; `console.log` in its folder tells why.
 */
export async function startMachine(
  spec: MachineSpec,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<MachineState> {
  signal.throwIfAborted();
  const before = await machineState(spec.directory);
  if (before !== 'absent' && before !== 'starting') return before;
  await prepareMachine(spec);
  const process = await spawnFirstProcess(spec);
  const deadline = clock.now() + START_TIMEOUT_MS;
  for (;;) {
    const state = await machineState(spec.directory);
    if (state !== 'starting') return state;
    // 0 is another starter's turn, or a machine that has just been started.
    const code = process.exitCode() ?? 0;
    if (code !== 0 || clock.now() > deadline) throw await startFailure(spec.directory, code);
    await clock.sleep(5, signal);
  }
}

async function startFailure(directory: string, exitCode: number): Promise<NodelessError> {
  const console = (await readIfExists(join(directory, 'console.log')).catch(() => undefined)) ?? '';
  const lastLine = console.trim().split('\n').at(-1) ?? '';
  return new NodelessError({
    code: 'AmbiguousOutcome',
    retryable: true,
    message: `the machine in ${directory} did not start (${exitCode === 0 ? 'timeout' : `exit ${exitCode}`}): ${lastLine}`,
  });
}

/**
 * Ends a machine, whatever state it is in, and resolves when its processes, mounts, network, cgroups and folder are
 * gone. Idempotent. Not abortable half-way on purpose: half is worse than all, and it is bounded by 10 s.
 * @throws NodelessError AmbiguousOutcome (retryable) when a process can't be killed.
 */
export async function endMachine(directory: string, clock: Clock = systemClock): Promise<void> {
  const record = await readRecord(directory);
  if (record !== undefined) {
    await writeFile(join(directory, 'ending'), '').catch(() => undefined);
    await killCgroup(record.cgroup, END_TIMEOUT_MS, (ms) => clock.sleep(ms));
    const { routerNamespace } = record.network;
    const router = routerNamespace !== undefined && existsSync(routerNamespace) ? routerNamespace : undefined;
    const down = inNamespace(router, ['sh', '-c', networkDown(record.network)]);
    const deadline = clock.now() + END_TIMEOUT_MS;
    await execa(down.program, down.args, { stdin: 'ignore', timeout: END_TIMEOUT_MS });
    // A first process that was just being started may still have joined.
    while (!(await removeCgroup(record.cgroup)) && clock.now() < deadline) {
      await killCgroup(record.cgroup, END_TIMEOUT_MS, (ms) => clock.sleep(ms));
      await clock.sleep(2);
    }
    await removeEmptyParents(record.cgroup);
  }
  await rm(directory, { recursive: true, force: true, maxRetries: 3 });
}

/** The last lines of a machine's log (`kubelet`, `containerd` or `console`), for messages about why it ended. */
export async function machineLog(directory: string, name: string, lines: number): Promise<readonly string[]> {
  const text = await readFile(join(directory, `${name}.log`), 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-lines);
}
