import { readFile, writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { messageOf } from '../../../src/core/errors.ts';
import { parseTrace } from '../../../src/warm-pool/simulation/trace-file.ts';
import { NO_FAULTS, type World } from '../../../src/warm-pool/simulation/world.ts';
import { machine } from '../report.ts';
import { contest, type Ground, SLA } from './contest.ts';
import { judgeAttainment, judgeOverFixed, judgeOverKnown, markdownOf, type TraceResult } from './report.ts';
import { confidence, type Score } from './scoring.ts';
import { drawTrace, SEEDS, TRACES, type TraceSpec } from './traces.ts';

const HOURS_OF_A_DAY = 24;
const HOUR_MS = 3_600_000;

/** The cloud of all traces: starts as EC2 has them, prices of 0.25 vCPU and 0.5 GiB on Fargate and of 20 GiB of disk. */
function worldOf(seed: number): World {
  return {
    times: {
      launch: { p50Ms: 5_000, p95Ms: 9_000 },
      boot: { p50Ms: 24_000, p95Ms: 34_000 },
      warm: { p50Ms: 900, p95Ms: 1_800 },
      resume: { p50Ms: 9_000, p95Ms: 14_000 },
      shutdownMs: 4_000,
    },
    faults: { ...NO_FAULTS, failureRate: 0.01, launchesPerSecond: 20 },
    prices: { runningUsdPerHour: 0.0123425, stoppedUsdPerHour: 0.0022, minimumMs: 60_000 },
    seed,
  };
}

type Named = Pick<TraceResult, 'trace' | 'seed' | 'kind' | 'heldOut'>;

function resultOf(named: Named, ground: Ground): TraceResult {
  const { scores, fixedAtSameShareUsd, knownAtSameShareUsd, foreseeingAtSameShareUsd, clairvoyantUsd } =
    contest(ground);
  const hours = Math.floor(ground.endMs / HOUR_MS);
  const [ours, fixed] = scores as [Score, Score];
  const known = scores.find(({ policy }) => policy === 'known process');
  const within = (of: (sum: (values: Float64Array) => number) => number) =>
    confidence(ground.fromHour, hours, named.seed, of);
  const over = (peer: Score) => within((sum) => sum(ours.hours.overheadUsd) / sum(peer.hours.overheadUsd));
  const { kind } = named;
  const overKnown = () => {
    if (known === undefined || knownAtSameShareUsd === undefined) return {};
    const scale = known.overheadUsd / knownAtSameShareUsd;
    const [low, high] = over(known);
    return { overKnown: judgeOverKnown(kind, ours.overheadUsd / knownAtSameShareUsd, [low * scale, high * scale]) };
  };
  return {
    ...named,
    pods: ours.pods,
    days: (hours - ground.fromHour) / HOURS_OF_A_DAY,
    attainment: judgeAttainment(
      kind,
      ours.attainment,
      within((sum) => sum(ours.hours.inTime) / sum(ours.hours.pods)),
    ),
    overFixed: judgeOverFixed(kind, ours.overheadUsd / fixed.overheadUsd, over(fixed)),
    overFixedAtSameShare: ours.overheadUsd / fixedAtSameShareUsd,
    ...overKnown(),
    ...(foreseeingAtSameShareUsd && { overForeseeing: ours.overheadUsd / foreseeingAtSameShareUsd }),
    clairvoyantUsd,
    policies: scores.map(({ hours: _, ...score }) => score),
  };
}

function heldOut({ heldOut: ofTrace }: TraceSpec, seed: number): string {
  const parts = [...(ofTrace === undefined ? [] : [ofTrace]), ...(seed === SEEDS[0] ? [] : ['seed'])];
  return parts.length === 0 ? 'no' : parts.join(', ');
}

function generated(spec: TraceSpec, seed: number): TraceResult {
  const { workload, process } = drawTrace(spec, seed);
  const endMs = (spec.warmUpDays + spec.scoredDays) * HOURS_OF_A_DAY * HOUR_MS;
  const named: Named = { trace: spec.name, seed, kind: spec.kind, heldOut: heldOut(spec, seed) };
  return resultOf(named, {
    workload,
    process,
    endMs,
    world: worldOf(seed),
    fromHour: spec.warmUpDays * HOURS_OF_A_DAY,
  });
}

async function given(file: string, seed: number): Promise<readonly TraceResult[]> {
  const { workloads, endMs } = parseTrace(await readFile(file, 'utf8'), file);
  const fromHour = Math.min(HOURS_OF_A_DAY, Math.floor(endMs / HOUR_MS / 2));
  return workloads.map((workload) => {
    const named: Named = { trace: `${file} ${workload.shape}`, seed, kind: 'given', heldOut: '' };
    return resultOf(named, { workload, endMs, world: worldOf(seed), fromHour });
  });
}

async function main(): Promise<number> {
  const options = new Command('npm run bench:sla --')
    .description('Measures what a warm pool that sizes itself costs, side by side with others on the same traces.')
    .option('--json <file>', 'where the results go, as JSON')
    .option('--trace <file>', 'pods that came, in place of generated ones')
    .option('--seed <number>', 'one seed in place of all')
    .option('--only <names>', `some of ${TRACES.map(({ name }) => name).join(',')}`)
    .parse()
    .opts<{ json?: string; trace?: string; seed?: string; only?: string }>();
  const seeds = options.seed === undefined ? SEEDS : [Number(options.seed)];
  const wanted = TRACES.filter(({ name }) => options.only?.split(',').includes(name) ?? true);
  const results: TraceResult[] = [];
  const save = async () => {
    const report = { date: new Date().toISOString(), machine: machine(), sla: SLA, traces: TRACES, results };
    if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
  };
  if (options.trace !== undefined) results.push(...(await given(options.trace, seeds[0] ?? 1)));
  for (const seed of options.trace === undefined ? seeds : []) {
    for (const spec of wanted) {
      process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${spec.name}, seed ${seed}\n`);
      results.push(generated(spec, seed));
      // After each, so that a run that is cut short has told what it measured.
      await save();
    }
  }
  await save();
  process.stdout.write(`${markdownOf(results)}\n`);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 2;
}
