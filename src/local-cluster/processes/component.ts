import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessIdentity } from '../../../providers/local/machine/process-identity.ts';
import { NodelessError } from '../../core/errors.ts';
import { localFailure } from '../failure.ts';
import { enterCommand } from '../network/names.ts';
import { type ClusterPaths, writePrivate } from '../state.ts';
import { identityOf, isAlive } from './identity.ts';

/** What a component was started as; enough to start it again from another process. */
export interface ComponentRecord {
  readonly name: string;
  readonly argv: readonly string[];
  readonly process: ProcessIdentity;
}

const LAST_LINES = 12;

function recordPath(paths: ClusterPaths, name: string): string {
  return join(paths.processDir, `${name}.json`);
}

/** The file that a component's stdout and stderr go to. */
export function logPath(paths: ClusterPaths, name: string): string {
  return join(paths.logDir, `${name}.log`);
}

/** The record of a component that was started at some time, or undefined. */
export async function readComponent(paths: ClusterPaths, name: string): Promise<ComponentRecord | undefined> {
  const text = await readFile(recordPath(paths, name), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as ComponentRecord);
}

/**
 * Starts a program inside the cluster's namespace, if it has one, as the leader of a session of its own, so that neither this
 * process's end nor its terminal touches it, and records it.
 */
export async function startComponent(
  paths: ClusterPaths,
  name: string,
  argv: readonly string[],
): Promise<ComponentRecord> {
  await mkdir(paths.logDir, { recursive: true, mode: 0o700 });
  const log = openSync(logPath(paths, name), 'a', 0o600);
  try {
    const enter = paths.rootless === true ? [] : enterCommand(paths.namespace);
    const [program = '', ...args] = [...enter, ...argv];
    const child = spawn(program, args, { detached: true, stdio: ['ignore', log, log], cwd: paths.stateDir });
    child.once('error', () => {});
    child.unref();
    if (child.pid === undefined) throw localFailure(`can't start ${name}: is ${program} installed?`);
    const record = { name, argv, process: await identityOf(child.pid) };
    await writePrivate(recordPath(paths, name), JSON.stringify(record));
    return record;
  } finally {
    closeSync(log);
  }
}

/** The last lines of a component's log, for a person who must find out why it ended. */
export async function lastWords(paths: ClusterPaths, name: string): Promise<string> {
  const text = await readFile(logPath(paths, name), 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-LAST_LINES).join('\n');
}

/** Sends a signal to a component; false when it is not running. Any process with another start time is left alone. */
export async function signalComponent(paths: ClusterPaths, name: string, signal: NodeJS.Signals): Promise<boolean> {
  const record = await readComponent(paths, name);
  if (record === undefined || !(await isAlive(record.process))) return false;
  try {
    return process.kill(record.process.pid, signal);
  } catch {
    return false;
  }
}

/** True while the process that was recorded for the component runs. */
export async function isComponentRunning(paths: ClusterPaths, name: string): Promise<boolean> {
  const record = await readComponent(paths, name);
  return record !== undefined && (await isAlive(record.process));
}

/**
 * Waits until `check` is true.
 * @throws NodelessError PrerequisiteMissing with the component's last words when it ends first, or at the deadline.
 */
export async function waitForComponent(
  paths: ClusterPaths,
  name: string,
  options: { readonly check: () => Promise<boolean>; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const deadlineMs = Date.now() + options.timeoutMs;
  while (!(await options.check())) {
    options.signal.throwIfAborted();
    const running = await isComponentRunning(paths, name);
    if (running && Date.now() < deadlineMs) {
      await delay(40, undefined, { signal: options.signal });
      continue;
    }
    const what = running ? `is not ready after ${options.timeoutMs / 1000} s` : 'has ended';
    throw new NodelessError({
      code: 'PrerequisiteMissing',
      message: `${name} ${what}; its last words:\n${await lastWords(paths, name)}`,
      identity: { component: name, log: logPath(paths, name) },
    });
  }
}

/** Waits until the component's process has ended; false at the deadline. */
export async function waitForEnd(paths: ClusterPaths, name: string, timeoutMs: number): Promise<boolean> {
  const deadlineMs = Date.now() + timeoutMs;
  while (await isComponentRunning(paths, name)) {
    if (Date.now() > deadlineMs) return false;
    await delay(20);
  }
  return true;
}
