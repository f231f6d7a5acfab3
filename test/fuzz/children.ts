import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { namespaceName } from '../../providers/local/machine/network.ts';
import { enterCommand } from '../../src/local-cluster/network/names.ts';
import { CLUSTER } from './ground.ts';

/** A program of this folder that runs in a cell's network namespace: its packets are the cell's. */
export interface CellProgram<T> {
  /** What it has printed, as JSON; rejects when it failed. */
  readonly result: Promise<T>;
  /** Tells it to come to an end. */
  end(): void;
}

/** Starts a program in the network of a cell and gives it its order on standard input. */
export function runInCell<T>(cellId: string, program: string, order: object, signal: AbortSignal): CellProgram<T> {
  const [enter = '', ...rest] = enterCommand(namespaceName(CLUSTER, cellId));
  const file = fileURLToPath(new URL(`./${program}.ts`, import.meta.url));
  const child = execa(enter, [...rest, process.execPath, file], {
    input: JSON.stringify(order),
    stderr: 'inherit',
    cancelSignal: signal,
    maxBuffer: 64 * 1024 * 1024,
  });
  const result = child.then(({ stdout }) => JSON.parse(stdout) as T);
  result.catch(() => undefined);
  return { result, end: () => void child.kill('SIGTERM') };
}
