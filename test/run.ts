import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { lastLines } from './support/last-lines.ts';

/** The parts of `npm test`, in order: what is quick to fail comes first. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  check: ['sh', '-c', 'tsc && tsc -p src/ui/page && biome check && knip'],
  unit: ['vitest', 'run', '--project', 'unit'],
  contract: ['vitest', 'run', '--project', 'contract'],
  e2e: ['vitest', 'run', '--project', 'e2e'],
  ec2: ['vitest', 'run', '--project', 'ec2'],
  fuzz: ['node', 'test/fuzz/run.ts', '--seed', '1', '--requests', '10000'],
  soak: ['node', 'test/soak/run.ts', '--seed', '1725', '--minutes', '1.5', '--kills', '4'],
  outages: ['vitest', 'run', '--project', 'outages'],
  conformance: ['node', 'test/conformance/run.ts'],
};

function minutes(ms: number): string {
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}

const REPEATED_LINES = 120;
const OUTPUT_PATIENCE_MS = 2_000;

/** Runs a program in the foreground, ends it with this process, and resolves with its exit code and its last words. */
async function run([program = '', ...args]: readonly string[]): Promise<{ code: number; end: string }> {
  const env = process.stdout.isTTY ? { ...process.env, FORCE_COLOR: '1' } : process.env;
  const child = spawn(program, args, { stdio: ['inherit', 'pipe', 'pipe'], env });
  const end = lastLines(REPEATED_LINES);
  for (const [stream, shown] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const)
    stream.setEncoding('utf8').on('data', (text: string) => {
      shown.write(text);
      end.add(text);
    });
  const pass = (name: NodeJS.Signals) => child.kill(name);
  process.on('SIGINT', pass).on('SIGTERM', pass);
  const [code] = (await once(child, 'exit')) as [number | null];
  // What it left running may hold its output open.
  if (!child.stdout.readableEnded) await Promise.race([once(child, 'close'), delay(OUTPUT_PATIENCE_MS)]);
  child.stdout.destroy();
  child.stderr.destroy();
  process.off('SIGINT', pass).off('SIGTERM', pass);
  return { code: code ?? 130, end: end.text() };
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => PARTS[name] === undefined);
if (unknown.length > 0)
  throw new Error(`no such part: ${unknown.join(', ')}; there are ${Object.keys(PARTS).join(', ')}`);

const startedAtMs = Date.now();
const failed = new Map<string, string>();
for (const [name, command] of Object.entries(PARTS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const beganMs = Date.now();
  process.stdout.write(`\n── ${name}\n`);
  const { code, end } = await run(command);
  process.stdout.write(
    `── ${name}: ${code === 0 ? 'passed' : `failed (${code})`} in ${minutes(Date.now() - beganMs)}\n`,
  );
  if (code !== 0) failed.set(name, end);
  if (code === 130) break;
}
// Said again where the parts that came after do not hide it.
for (const [name, end] of failed) process.stdout.write(`\n── what ${name} said at its end\n${end}`);
const outcome = failed.size === 0 ? 'all passed' : `failed: ${[...failed.keys()].join(', ')}`;
process.stdout.write(`\nnpm test: ${outcome} in ${minutes(Date.now() - startedAtMs)}\n`);
process.exitCode = failed.size === 0 ? 0 : 1;
