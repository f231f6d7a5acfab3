import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import { NodelessError } from '../../../src/core/errors.ts';
import { type CgroupLimits, killCgroup, makeCgroup, removeCgroup, removeEmptyParents } from './cgroups.ts';
import { readIfExists } from './files.ts';
import { networkDown } from './network.ts';
import { type MachineRecord, prepareMachine, readRecord } from './prepare.ts';
import { isAlive, parseIdentity } from './process-identity.ts';
import type { MachineSpec } from './spec.ts';

const START_TIMEOUT_MS = 15_000;
const END_TIMEOUT_MS = 10_000;

/**
 * `absent`: nothing was begun. `starting`: begun, perhaps by a process that died; starting it again finishes it. `stopped`: no
 * process of it is left on purpose, and its folder stays.
 */
export type MachineState = 'absent' | 'starting' | 'running' | 'stopped' | 'ending' | 'ended';

/** The state of the machine in a folder. `ended` means that every process on it is gone. */
export async function machineState(directory: string): Promise<MachineState> {
  if (existsSync(join(directory, 'ending'))) return 'ending';
  const supervisor = await readIfExists(join(directory, 'supervisor'));
  const isStopped = existsSync(join(directory, 'stopped'));
  if (supervisor !== undefined && (await isAlive(parseIdentity(supervisor)))) return 'running';
  if (isStopped) return 'stopped';
  if (supervisor !== undefined) return 'ended';
  return existsSync(join(directory, 'machine.json')) ? 'starting' : 'absent';
}

function inNamespace(routerNamespace: string | undefined, words: readonly [string, ...string[]]) {
  const [program, ...args] = words;
  return routerNamespace === undefined
    ? { program, args }
    : { program: 'nsenter', args: [`--net=${routerNamespace}`, program, ...args] };
}

/** Starts the first process: detached from this one and its terminal, with files of its own. */
async function spawnFirstProcess(spec: Startable): Promise<{ exitCode(): number | undefined }> {
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
  return untilStarted(spec, signal, clock);
}

type Startable = Pick<MachineSpec, 'directory' | 'network'>;

async function untilStarted(machine: Startable, signal: AbortSignal, clock: Clock): Promise<MachineState> {
  const process = await spawnFirstProcess(machine);
  const deadline = clock.now() + START_TIMEOUT_MS;
  for (;;) {
    const state = await machineState(machine.directory);
    if (state !== 'starting') return state;
    // 0 is another starter's turn, or a machine that has just been started.
    const code = process.exitCode() ?? 0;
    if (code !== 0 || clock.now() > deadline) throw await startFailure(machine.directory, code);
    await clock.sleep(5, signal);
  }
}

/** Ends a machine's processes and its network, and removes its cgroups: nothing of it costs CPU or memory any more. */
async function switchOff({ cgroup, network }: MachineRecord, clock: Clock): Promise<void> {
  await killCgroup(cgroup, END_TIMEOUT_MS, (ms) => clock.sleep(ms));
  const { routerNamespace } = network;
  const router = routerNamespace !== undefined && existsSync(routerNamespace) ? routerNamespace : undefined;
  const down = inNamespace(router, ['sh', '-c', networkDown(network)]);
  const deadline = clock.now() + END_TIMEOUT_MS;
  await execa(down.program, down.args, { stdin: 'ignore', timeout: END_TIMEOUT_MS });
  // A first process that was just being started may still have joined.
  while (!(await removeCgroup(cgroup)) && clock.now() < deadline) {
    await killCgroup(cgroup, END_TIMEOUT_MS, (ms) => clock.sleep(ms));
    await clock.sleep(2);
  }
  await removeEmptyParents(cgroup);
}

/**
 * Stops a machine that runs, as a switch does: its processes, network and cgroups go, its folder stays. Idempotent; one that
 * does not run is left so: see the returned state.
 * @throws NodelessError AmbiguousOutcome (retryable) when a process can't be killed.
 */
export async function stopMachine(directory: string, clock: Clock = systemClock): Promise<MachineState> {
  const record = await readRecord(directory);
  const before = await machineState(directory);
  if (record === undefined || (before !== 'running' && before !== 'stopped')) return before;
  // First: a machine whose processes are gone without it has ended by itself.
  await writeFile(join(directory, 'stopped'), '');
  await switchOff(record, clock);
  return machineState(directory);
}

/**
 * Starts a machine again that was stopped, with what is on its disk; resolves when its supervisor runs. Idempotent; one that is
 * not stopped is left so: see the returned state.
 * @throws NodelessError AmbiguousOutcome (retryable) when it did not start in time.
 */
export async function restartMachine(
  directory: string,
  limits: CgroupLimits,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<MachineState> {
  signal.throwIfAborted();
  const record = await readRecord(directory);
  const before = await machineState(directory);
  if (record === undefined || before !== 'stopped') return before;
  await makeCgroup(record.cgroup, limits);
  // In this order: between the two it is stopped, and after them it is as one whose start was begun.
  await rm(join(directory, 'supervisor'), { force: true });
  await rm(join(directory, 'stopped'), { force: true });
  return untilStarted({ directory, network: record.network }, signal, clock);
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
    await switchOff(record, clock);
  }
  await rm(directory, { recursive: true, force: true, maxRetries: 3 });
}

/** The last lines of a machine's log (`kubelet`, `containerd` or `console`), for messages about why it ended. */
export async function machineLog(directory: string, name: string, lines: number): Promise<readonly string[]> {
  const text = await readFile(join(directory, `${name}.log`), 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-lines);
}
