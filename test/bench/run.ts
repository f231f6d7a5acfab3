import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readEnvironment } from '../../src/config/environment.ts';
import { messageOf } from '../../src/core/errors.ts';
import type { Benchmark } from './benchmark.ts';
import { BENCHMARKS } from './benchmarks.ts';
import { jsonOf, machine, markdownOf, type Outcome, type Report } from './report.ts';

const USAGE = 'usage: npm run bench -- [--json FILE] [--markdown FILE] [--only NAME[,NAME]] [--folder FOLDER]';

/** The benchmarks that `--only` names; all of them without it. @throws Error for a name that none has. */
function chosen(only: string | undefined): readonly Benchmark[] {
  if (only === undefined) return BENCHMARKS;
  return only.split(',').map((name) => {
    const found = BENCHMARKS.find((benchmark) => benchmark.name === name);
    if (found === undefined)
      throw new Error(`no benchmark ${name}; there are ${BENCHMARKS.map((b) => b.name).join(', ')}`);
    return found;
  });
}

function progressOf(name: string) {
  return ({ step, detail }: { readonly step: string; readonly detail: string }) =>
    process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${name}: ${step}: ${detail}\n`);
}

async function measure(benchmark: Benchmark, folder: string, signal: AbortSignal): Promise<Outcome> {
  const { name, title } = benchmark;
  const startedMs = performance.now();
  const seconds = () => (performance.now() - startedMs) / 1000;
  const own = join(folder, name);
  await mkdir(own, { recursive: true });
  try {
    const result = await benchmark.run({ signal, folder: own, progress: progressOf(name) });
    return { name, title, seconds: seconds(), result };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return { name, title, seconds: seconds(), failure: messageOf(error) };
  }
}

async function main(): Promise<number> {
  const text = { type: 'string' } as const;
  const options = { json: text, markdown: text, only: text, folder: text } as const;
  const { values } = parseArgs({ options, allowPositionals: false });
  const wanted = chosen(values.only);
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());
  const folder = resolve(values.folder ?? join(readEnvironment().cacheFolder, 'bench'));
  const benchmarks: Outcome[] = [];
  for (const benchmark of wanted) {
    if (interrupted.signal.aborted) break;
    benchmarks.push(await measure(benchmark, folder, interrupted.signal));
    const report: Report = { date: new Date().toISOString(), machine: machine(), benchmarks };
    // After each, so that a run that is cut short has told what it measured.
    if (values.json !== undefined) await writeFile(values.json, jsonOf(report));
    if (values.markdown !== undefined) await writeFile(values.markdown, markdownOf(report));
  }
  process.stdout.write(`${markdownOf({ date: new Date().toISOString(), machine: machine(), benchmarks })}\n`);
  return interrupted.signal.aborted || benchmarks.some(({ failure }) => failure !== undefined) ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n${USAGE}\n`);
  process.exitCode = 2;
}
