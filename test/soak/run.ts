import { cp, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { untilSignalled } from '../../src/cli/until-signalled.ts';
import { messageOf } from '../../src/core/errors.ts';
import { down } from '../../src/local-cluster/down.ts';
import { leftovers } from '../../src/local-cluster/leftovers.ts';
import { logPath } from '../../src/local-cluster/processes/component.ts';
import { adminClient, PROVIDER, startProvider } from '../../src/local-cluster/provider/provider-process.ts';
import { type LocalCluster, up } from '../../src/local-cluster/up.ts';
import { cellFolder } from '../support/cells.ts';
import { countOption, positiveOption } from '../support/number-options.ts';
import { emptyFigures, missingKills, summaryOf } from './figures.ts';
import { allInvariants, soakLimits } from './invariants/all.ts';
import { startObserver } from './observer.ts';
import { planOf } from './plan.ts';
import { linesAbout } from './provider-log.ts';
import { Soak } from './soak.ts';
import { freshStanding } from './standing.ts';

const CLUSTER = 'soak';

/** Short waits, so that what is to happen in the end happens between two kills. */
const CONFIG = {
  cells: { completedLinger: '5s', orphanAfter: '3s', censusEvery: '1s', silentAfter: '40s' },
  logLevel: 'debug',
};

const LINES_OF_EVIDENCE = 15;

interface Options {
  readonly seed?: number;
  readonly minutes: number;
  readonly kills: number;
  readonly summary?: string;
}

const {
  seed = Date.now() % 1_000_000,
  minutes,
  kills,
  summary: file,
} = new Command('npm run test:soak --')
  .description(
    'Kills the provider, kubelets, containerds and cells at random while pods come and go, and watches what must hold.',
  )
  .option('--seed <number>', 'of every choice; another one is taken and told when left out', countOption)
  .option('--minutes <number>', 'how long', positiveOption, 20)
  .option(
    '--kills <number>',
    'of the provider at least: goes on for up to twice as long, and fails with fewer',
    countOption,
    0,
  )
  .option('--summary <file>', 'where the figures go, as JSON')
  .parse()
  .opts<Options>();

const startedAtMs = Date.now();
const stopped = untilSignalled();
const figures = emptyFigures();
const limits = soakLimits();
const violations: string[] = [];

function tell(line: string): void {
  process.stdout.write(`${((Date.now() - startedAtMs) / 1_000).toFixed(2).padStart(8)} s  ${line}\n`);
}

const CELL_ID = /cell-[a-z0-9]{10}/g;

/** What the kubelets and containerds of cells wrote, as far as the cells are there. */
async function copyCellLogs(cells: Iterable<string>, to: string): Promise<void> {
  for (const cell of cells) {
    const machine = join(cellFolder(CLUSTER, cell), 'machine');
    const names = await readdir(machine).catch(() => []);
    for (const name of names.filter((one) => one.endsWith('.log'))) await cp(join(machine, name), join(to, cell, name));
  }
}

/** What a person needs to find out why: what the provider said of the pods and cells, and all logs. */
async function tellEvidence({ paths }: LocalCluster): Promise<void> {
  const log = await readFile(logPath(paths, PROVIDER), 'utf8').catch(() => '');
  for (const violation of violations) {
    process.stdout.write(`\nVIOLATION ${violation}\n`);
    const words = violation.match(/cell-[a-z0-9]{10}|(?:web|bare|job)-[0-9]+(?:-[a-z0-9]+)*|[0-9a-f-]{36}/g) ?? [];
    for (const line of linesAbout(log, words, LINES_OF_EVIDENCE)) process.stdout.write(`  ${line}\n`);
  }
  const folder = await mkdtemp(join(tmpdir(), 'nodeless-soak-'));
  await cp(paths.logDir, folder, { recursive: true });
  await copyCellLogs(new Set(violations.flatMap((violation) => violation.match(CELL_ID) ?? [])), folder);
  const load = loadavg().map((value) => value.toFixed(1));
  process.stdout.write(`\nThe machine's load is ${load.join(', ')}; the cluster's logs are in ${folder}.\n`);
}

async function soak(cluster: LocalCluster): Promise<void> {
  const client = await adminClient(cluster);
  const failed = new AbortController();
  const signal = AbortSignal.any([stopped, failed.signal]);
  const standing = freshStanding(Date.now());
  await startProvider({ cluster, signal, config: CONFIG });
  const { paths } = cluster;
  const invariants = allInvariants(limits);
  const onViolations = (wrong: readonly string[]) => {
    violations.push(...wrong);
    failed.abort(new Error('something that must hold does not'));
  };
  const observer = startObserver({ paths, client, standing, figures, invariants, onViolations });
  try {
    await new Soak({ paths, client, standing, figures, observer, tell, signal }).run(planOf(seed), { minutes, kills });
    violations.push(...missingKills(figures, kills));
  } catch (error) {
    if (!signal.aborted) violations.push(messageOf(error));
  } finally {
    await observer.stop();
    if (violations.length > 0) await tellEvidence(cluster);
    await client.close();
  }
}

tell(`seed ${seed}, ${minutes} min, at least ${kills} provider kills`);
try {
  const progress = ({ step, detail }: { step: string; detail: string }) => tell(`${step}: ${detail}`);
  await soak(await up({ name: CLUSTER, replace: true, signal: stopped, progress }));
} finally {
  await down({ name: CLUSTER });
}
violations.push(...(await leftovers({ name: CLUSTER })).map((trace) => `nothingIsLeft: ${trace}`));
const summary = summaryOf(figures, { seed, startedAtMs, wantedKills: kills, limits, violations });
process.stdout.write(`${JSON.stringify(summary, undefined, 2)}\n`);
if (file !== undefined) await writeFile(file, JSON.stringify(summary, undefined, 2));
if (violations.length > 0 || stopped.aborted) {
  process.stdout.write(
    `\nsoak failed; replay it with: npm run test:soak -- --seed ${seed} --minutes ${minutes} --kills ${kills}\n`,
  );
  process.exitCode = 1;
} else {
  tell(`soak passed, ${figures.actions.killProvider ?? 0} provider kills, seed ${seed}`);
}
