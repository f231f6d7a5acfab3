import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failuresIn } from './support/failures.ts';

const reports = await mkdtemp(join(tmpdir(), 'nodeless-test-'));
const reportOf = (project: string): string => join(reports, `${project}.json`);
const vitest = (project: string): readonly string[] => [
  ...['vitest', 'run', '--project', project, '--reporter=default'],
  ...['--reporter=json', `--outputFile.json=${reportOf(project)}`],
];

/** The parts of `npm test`, in order: what is quick to fail comes first. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  check: ['sh', '-c', 'tsc && tsc -p src/ui/page && biome check && knip'],
  unit: vitest('unit'),
  contract: vitest('contract'),
  e2e: vitest('e2e'),
  ec2: vitest('ec2'),
  fuzz: ['node', 'test/fuzz/run.ts', '--seed', '1', '--requests', '10000'],
  soak: ['node', 'test/soak/run.ts', '--seed', '1725', '--minutes', '1.5', '--kills', '4'],
  outages: vitest('outages'),
  conformance: ['node', 'test/conformance/run.ts'],
};

function minutes(ms: number): string {
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}

/** Runs a program in the foreground, ends it with this process, and resolves with its exit code. */
async function run([program = '', ...args]: readonly string[]): Promise<number> {
  const child = spawn(program, args, { stdio: 'inherit' });
  const pass = (name: NodeJS.Signals) => child.kill(name);
  process.on('SIGINT', pass).on('SIGTERM', pass);
  const [code] = (await once(child, 'exit')) as [number | null];
  process.off('SIGINT', pass).off('SIGTERM', pass);
  return code ?? 130;
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => PARTS[name] === undefined);
if (unknown.length > 0)
  throw new Error(`no such part: ${unknown.join(', ')}; there are ${Object.keys(PARTS).join(', ')}`);

const startedAtMs = Date.now();
const failed: string[] = [];
for (const [name, command] of Object.entries(PARTS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const beganMs = Date.now();
  process.stdout.write(`\n── ${name}\n`);
  const code = await run(command);
  process.stdout.write(
    `── ${name}: ${code === 0 ? 'passed' : `failed (${code})`} in ${minutes(Date.now() - beganMs)}\n`,
  );
  if (code !== 0) failed.push(name);
  if (code === 130) break;
}
// Said again at the end, where the parts that came after do not hide it.
for (const name of failed) {
  const report = await readFile(reportOf(name), 'utf8').catch(() => undefined);
  if (report !== undefined) process.stdout.write(`\n── what failed of ${name}\n${failuresIn(report)}`);
}
await rm(reports, { recursive: true });
const outcome = failed.length === 0 ? 'all passed' : `failed: ${failed.join(', ')}`;
process.stdout.write(`\nnpm test: ${outcome} in ${minutes(Date.now() - startedAtMs)}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
