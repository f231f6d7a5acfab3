import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { ClusterTools } from './kubectl.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/nodeless', import.meta.url));

interface RunOptions {
  readonly input?: string;
  /** Without it the command may go on for ever. */
  readonly timeoutMs?: number;
}

/** Starts our own command as whom a kubeconfig says; resolves when it has ended, whatever its exit code. */
export function startNodeless(kubeconfig: string, args: readonly string[], options: RunOptions = {}) {
  const { input = '', timeoutMs = 0 } = options;
  const words = [...args, '--kubeconfig', kubeconfig];
  return execa(PROGRAM, words, { input, timeout: timeoutMs, reject: false, all: true });
}

/** What our own command prints to a cluster's administrator. @throws Error with all that it has said when it fails */
export async function nodeless({ kubeconfig }: ClusterTools, ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, all } = await startNodeless(kubeconfig, args, { timeoutMs: 60_000 });
  if (exitCode !== 0) throw new Error(`nodeless ${args.join(' ')}: ${all}`);
  return stdout;
}
