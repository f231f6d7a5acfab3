import { readFile, writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import { messageOf, NodelessError } from '../core/errors.ts';
import { drawWorkload } from '../warm-pool/simulation/arrival-process.ts';
import { GENERATOR_NAMES, GENERATORS, type GeneratorName } from '../warm-pool/simulation/generators.ts';
import type { Trace } from '../warm-pool/simulation/trace.ts';
import { DEFAULT_SHAPE, parseTrace } from '../warm-pool/simulation/trace-file.ts';
import { contest } from './simulate/contest.ts';
import { POLICY_NAMES } from './simulate/contestants.ts';
import { parseOptions, type SimulateOptions } from './simulate/options.ts';
import { recommendation } from './simulate/recommendation.ts';
import { standingsSvg } from './simulate/standings-svg.ts';
import { standingsText } from './simulate/standings-text.ts';
import { simulateRecordCommand } from './simulate-record-command.ts';

const DAY_MS = 86_400_000;

async function readTrace(file: string): Promise<Trace> {
  try {
    return parseTrace(await readFile(file, 'utf8'), file);
  } catch (error) {
    if (error instanceof NodelessError) throw error;
    throw new NodelessError({ code: 'ConfigInvalid', message: `${file} can not be read: ${messageOf(error)}` });
  }
}

async function traceOf({ trace, generator = 'diurnal', ...options }: SimulateOptions): Promise<Trace> {
  if (trace !== undefined) return readTrace(trace);
  const { days, podsPerDay, seed, duration } = options;
  const arrivals = GENERATORS[generator as GeneratorName]({ days, podsPerDay, seed });
  const workload = drawWorkload(arrivals, { seed, duration, shape: DEFAULT_SHAPE });
  return { workloads: [workload], endMs: days * DAY_MS };
}

async function simulateTrace(options: SimulateOptions): Promise<void> {
  const result = contest(await traceOf(options), options);
  if (options.svg !== undefined) await writeFile(options.svg, standingsSvg(result.standings));
  const standings = result.standings.map(({ hours: _, ...standing }) => standing);
  const recommended = options.recommend ? recommendation(result) : undefined;
  const json = () => `${JSON.stringify({ ...result, standings, recommended }, null, 2)}\n`;
  const text = () => `${standingsText(result)}${recommended === undefined ? '' : `\n${stringify(recommended)}`}`;
  process.stdout.write(options.output === 'json' ? json() : text());
}

/** `nodeless simulate`: how policies for a warm pool would do on a trace, or on pods as they may come. */
export function simulateCommand(): Command {
  return new Command('simulate')
    .description(
      'Show how soon pods would start, and at what cost, under policies for a warm pool; nothing is created.',
    )
    .option('--trace <file>', 'pods that came: CSV (arrival,duration,shape) or a JSON array of such')
    .addOption(new Option('--generator <name>', 'or how they may come; diurnal unless given').choices(GENERATOR_NAMES))
    .option('--days <number>', 'how long, of a generator', '14')
    .option('--pods-per-day <number>', 'how many, of a generator', '5000')
    .option('--duration <p50,p95>', 'how long pods run, of a generator', '4m,25m')
    .option('--seed <number>', 'the same seed gives the same figures', '1')
    .option('--policy <names...>', `some of ${POLICY_NAMES.join(', ')}`, ['predictive', 'best-fixed', 'none'])
    .option('--startup-sla <duration>', 'from the creation of a pod to its containers started', '5s')
    .option('--percentile <number>', 'how many percent of pods keep to it', '95')
    .option('--warm-up <duration>', 'what does not count yet, at most half', '24h')
    .option('--min <cells>', 'the least that the pool holds', '0')
    .option('--max <cells>', 'the most that it holds', '1000')
    .option('--budget <usd>', 'the most that the cells of a pool may cost in an hour')
    .option('--recommend', 'say what to set, from how `predictive` did')
    .option('--launch <p50,p95>', 'from order to running, when billing begins', '5s,9s')
    .option('--boot <p50,p95>', 'from running to ready', '24s,34s')
    .option('--warm-start <p50,p95>', 'from claim to containers started', '900ms,1.8s')
    .option('--resume <p50,p95>', 'from starting a stopped cell to ready', '9s,14s')
    .option('--shutdown <duration>', 'what is billed after the end', '4s')
    .option('--failure-rate <chance>', 'of an attempt to launch that finds no capacity', '0')
    .option('--launch-rate <number>', 'launches a second that the cloud takes', '1000000')
    .option('--stopped-price <usd>', 'of an hour of a stopped cell: 20 GiB of disk', '0.0022')
    .addOption(new Option('-o, --output <format>', 'how to show it').choices(['table', 'json']).default('table'))
    .option('--svg <file>', 'draw what happened over time')
    .addCommand(simulateRecordCommand())
    .action(async (given: Record<string, unknown>) => {
      await simulateTrace(parseOptions(given));
    });
}
