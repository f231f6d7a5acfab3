import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { readEnvironment } from '../../src/config/environment.ts';
import { messageOf } from '../../src/core/errors.ts';
import type { Benchmark } from './benchmark.ts';
import { BENCHMARKS } from './benchmarks.ts';
import { jsonOf, machine, markdownOf, type Outcome, type Report } from './report.ts';

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
  const values = new Command('npm run bench --')
    .description('Measures, side by side with a peer where there is one, and prints a table.')
    .option('--only <names>', `some of ${BENCHMARKS.map(({ name }) => name).join(',')}`)
    .option('--json <file>', 'where the report goes, as JSON')
    .option('--markdown <file>', 'where the report goes, as tables')
    .option('--folder <folder>', 'where profiles and logs go; in the cache unless given')
    .parse()
    .opts<{ only?: string; json?: string; markdown?: string; folder?: string }>();
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
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 2;
}
