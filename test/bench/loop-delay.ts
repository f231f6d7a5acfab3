import { readFile } from 'node:fs/promises';
import type { BenchContext } from './benchmark.ts';
import { until } from './cluster.ts';
import type { LoopDelay } from './event-loop-probe.ts';

const TIMEOUT_MS = 30_000;

async function read(file: string): Promise<LoopDelay | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as LoopDelay);
}

/** Asks a process with the probe for the delays of its event loop since it was asked last. */
export async function loopDelay(pid: number, file: string, { signal }: BenchContext): Promise<LoopDelay> {
  const before = (await read(file))?.look ?? 0;
  let now: LoopDelay | undefined;
  process.kill(pid, 'SIGUSR2');
  const told = async () => {
    now = await read(file);
    return now !== undefined && now.look > before;
  };
  await until(`process ${pid} tells of its event loop`, told, { signal, timeoutMs: TIMEOUT_MS });
  if (now === undefined) throw new Error(`process ${pid} told nothing`);
  return now;
}
