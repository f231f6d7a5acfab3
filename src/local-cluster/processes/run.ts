import { type ChildProcess, spawn } from 'node:child_process';
import { childEnvironment } from '../../config/environment.ts';
import { messageOf } from '../../core/errors.ts';
import { localFailure } from '../failure.ts';

export interface RunOptions {
  readonly signal?: AbortSignal;
  /** Deadline of the whole command; 30 s unless told. */
  readonly timeoutMs?: number;
  readonly cwd?: string;
  /** Added to the environment that the process has. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Called with each whole line of stderr as it comes. */
  readonly onStderrLine?: (line: string) => void;
  /** Resolve whatever the exit code. */
  readonly tolerate?: boolean;
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Ends a child and all that it started; the child leads its own process group. */
function endGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended already.
  }
}

function failureOf(argv: readonly string[], result: RunResult): string {
  const words = (result.stderr || result.stdout).trim().split('\n').slice(-8).join('\n');
  return `"${argv.join(' ')}" ended with code ${result.exitCode}: ${words}`;
}

/**
 * Runs a program to its end. Aborting, or the deadline, ends it and everything that it started.
 * @throws NodelessError PrerequisiteMissing when it can't be started or fails; the signal's reason when aborted.
 */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  options.signal?.throwIfAborted();
  const [program = '', ...args] = argv;
  const child = spawn(program, args, {
    cwd: options.cwd,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.env === undefined ? {} : { env: childEnvironment(options.env) }),
  });
  let stdout = '';
  let stderr = '';
  let partial = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr = (stderr + chunk).slice(-65_536);
    if (options.onStderrLine === undefined) return;
    const lines = (partial + chunk).split('\n');
    partial = lines.pop() ?? '';
    lines.forEach(options.onStderrLine);
  });
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');

  const timeoutMs = options.timeoutMs ?? 30_000;
  let ending: unknown;
  const end = (reason: unknown) => {
    ending ??= reason;
    endGroup(child, 'SIGKILL');
  };
  const onAbort = () => end(options.signal?.reason);
  options.signal?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(
    () => end(localFailure(`"${argv.join(' ')}" did not end within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  try {
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.once('error', (error) =>
        reject(localFailure(`can't run "${program}": ${messageOf(error)}; install it or check the PATH`, error)),
      );
      child.once('close', (code) => resolve(code ?? -1));
    });
    if (ending !== undefined) throw ending;
    const result = { exitCode, stdout, stderr };
    if (exitCode !== 0 && options.tolerate !== true) throw localFailure(failureOf(argv, result));
    return result;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
  }
}
