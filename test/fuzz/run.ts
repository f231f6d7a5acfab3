import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { untilSignalled } from '../../src/cli/until-signalled.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { down } from '../../src/local-cluster/down.ts';
import { leftovers } from '../../src/local-cluster/leftovers.ts';
import { readComponent } from '../../src/local-cluster/processes/component.ts';
import { adminClient, PROVIDER, startProvider } from '../../src/local-cluster/provider/provider-process.ts';
import { type LocalCluster, up } from '../../src/local-cluster/up.ts';
import { samplesIn } from '../support/exposition.ts';
import { countOption, positiveOption } from '../support/number-options.ts';
import type { AttackOrder } from './attacker.ts';
import { runInCell } from './children.ts';
import { startChurn } from './churn.ts';
import type { FloodFigures, FloodOrder } from './flooder.ts';
import { CLUSTER, type Ground, prepareGround, VIRTUAL_NODE } from './ground.ts';
import type { HonestFigures } from './honest.ts';
import { type MemoryWatch, residentMib, summaryOf, watchMemory } from './provider-watch.ts';
import { type Figures, summed } from './tally.ts';
import { faultsOfRun, type Summary } from './verdict.ts';
import { harmDone, snapshotOf } from './victims.ts';
import type { Keeping, WatchFigures } from './watcher.ts';

interface Options {
  readonly seed?: number;
  readonly requests: number;
  readonly only?: number;
  readonly floods: boolean;
  readonly minutes: number;
  readonly summary?: string;
  readonly keep: boolean;
}

const command = new Command('npm run test:fuzz --')
  .description('Attacks the cell API with the certificate of a valid cell, and looks for what it must not give.')
  .option('--seed <number>', 'of every request; another one is taken and told when left out', countOption)
  .option('--requests <number>', 'how many', positiveOption, 100_000)
  .option('--only <index>', 'makes one request of the seed again, alone', countOption)
  .option('--no-floods', 'leaves the floods out')
  .option('--minutes <number>', 'ends the attack after so long', positiveOption, 15)
  .option('--summary <file>', 'where the figures go, as JSON')
  .option('--keep', 'leaves the cluster up', false)
  .parse();
const values = command.opts<Options>();
if (values.only !== undefined && values.seed === undefined) command.error('error: --only needs the --seed of the run');
const seed = values.seed ?? Date.now() % 2 ** 31;
const requests = values.only === undefined ? Math.ceil(values.requests) : 1;
const first = values.only ?? 0;
const floods = values.floods && values.only === undefined;
const SETTLE_MS = 15_000;
const signal = untilSignalled();
const print = (line: string) => process.stdout.write(`${line}\n`);

/** Denials by reason, of the provider's own metrics. */
async function denials({ tools }: Ground): Promise<Record<string, number>> {
  const metrics = await tools.kubectl('get', '--raw', `/api/v1/nodes/${VIRTUAL_NODE}/proxy/metrics`);
  const samples = samplesIn(metrics, 'nodeless_cell_api_denials_total');
  if (samples.length === 0)
    throw new Error('the provider shows no series of denials, so nothing can be judged by them');
  return Object.fromEntries(samples.map(({ labels: { reason = '' }, value }) => [reason, value]));
}

/** Attackers without a cell have not attacked to the end. */
async function lostOf({ tools, attackers, flooder }: Ground): Promise<readonly string[]> {
  const lost: string[] = [];
  for (const { own } of [...attackers, flooder]) {
    const { exitCode } = await tools.tryKubectl('get', 'pod', '-n', own.namespace, own.pod);
    if (exitCode !== 0) lost.push(`${own.pod} has ended its own pod, so that its attack was no attack any more`);
  }
  return lost;
}

async function pidOfProvider({ paths }: LocalCluster): Promise<number> {
  const pid = (await readComponent(paths, PROVIDER))?.process.pid;
  if (pid === undefined) throw new Error('the provider does not run');
  return pid;
}

/** Requests of the seed by all attackers at once, from one index up to another. */
async function requestsOf(ground: Ground, from: number, end: number, deadlineMs: number): Promise<readonly Figures[]> {
  const step = ground.attackers.length;
  return Promise.all(
    ground.attackers.map((world, index) => {
      const order: AttackOrder = { world, seed, first: from + index, step, end, deadlineMs };
      return runInCell<Figures>(world.own.cellId, 'attacker', order, signal).result;
    }),
  );
}

/** How often the watcher's watches have told of its own pod, Secret and ConfigMap. */
function ownEvents({ watcher: { own } }: Ground, { events }: WatchFigures): Summary['watched']['own'] {
  const all = ['pods', `secret ${own.secret}`, `configmap ${own.configMap}`];
  const told = (keeping: Keeping) => all.map((what) => events[keeping][what] ?? 0);
  return { lasting: told('lasting'), resumed: told('resumed') };
}

/** The first half of the requests comes beside the floods, the rest alone: its memory is of requests only. */
async function attack(ground: Ground, pid: number, memory: MemoryWatch, client: KubeClient) {
  const deadlineMs = Date.now() + values.minutes * 60_000;
  const honest = runInCell<HonestFigures>(ground.honest.own.cellId, 'honest', ground.honest, signal);
  const watching = runInCell<WatchFigures>(ground.watcher.own.cellId, 'watcher', ground.watcher, signal);
  const churn = startChurn(client, ground.churned);
  const order: FloodOrder = { world: ground.flooder, deadlineMs };
  const flooding = floods
    ? runInCell<FloodFigures>(ground.flooder.own.cellId, 'flooder', order, signal).result
    : undefined;
  const half = first + Math.floor(requests / 2);
  const beside = await requestsOf(ground, first, half, deadlineMs);
  const flooded = (await flooding) ?? { floods: {}, leaks: [] };
  const aloneFrom = memory.samplesMib.length;
  const alone = await requestsOf(ground, half, first + requests, deadlineMs);
  const rounds = await churn.stop();
  honest.end();
  watching.end();
  process.kill(pid, 0);
  const watched = { ...(await watching.result), rounds };
  return { figures: summed([...beside, ...alone]), flooded, honest: await honest.result, watched, aloneFrom };
}

async function fuzz(cluster: LocalCluster): Promise<readonly string[]> {
  const ground = await prepareGround(cluster.address);
  const before = await snapshotOf(ground.tools, ground.victims, ground.agent);
  const pid = await pidOfProvider(cluster);
  const rssBefore = await residentMib(pid);
  const memory = watchMemory(pid);
  const startedAtMs = Date.now();
  print(
    `attack: ${requests} requests of seed ${seed} from ${ground.attackers.length} cells${floods ? ', floods from one more' : ''}`,
  );
  const client = await adminClient(cluster);
  const { figures, flooded, honest, watched, aloneFrom } = await attack(ground, pid, memory, client).finally(() =>
    client.close(),
  );
  const seconds = Math.round((Date.now() - startedAtMs) / 1000);
  await memory.stop();
  await delay(SETTLE_MS, undefined, { signal });
  const summary: Summary = {
    seed,
    seconds,
    ...figures,
    rssMib: { before: rssBefore, ...summaryOf(memory.samplesMib, aloneFrom), after: await residentMib(pid) },
    honest,
    limitsHit: await denials(ground),
    floods: flooded.floods,
    watched: { ...watched, own: ownEvents(ground, watched) },
    harm: [...(await harmDone(ground.tools, ground, before)), ...(await lostOf(ground))],
  };
  if (values.summary !== undefined) await writeFile(values.summary, JSON.stringify(summary, undefined, 2));
  const { byKind: _kinds, floods: _floods, leaks, ...told } = summary;
  print(JSON.stringify(told, undefined, 2));
  for (const leak of leaks) print(JSON.stringify(leak, undefined, 2));
  const faults = [...faultsOfRun(summary, flooded.leaks, { requests, floods })];
  if ((await pidOfProvider(cluster)) !== pid) faults.push('the provider was started again');
  return faults;
}

try {
  const progress = ({ step, detail }: { step: string; detail: string }) => print(`${step}: ${detail}`);
  const cluster = await up({ name: CLUSTER, replace: true, signal, progress });
  await startProvider({ cluster, signal });
  const faults = await fuzz(cluster);
  for (const fault of faults) print(`FAILED ${fault}`);
  print(faults.length === 0 ? 'fuzz: nothing of another cell was returned' : `fuzz: failed; again with --seed ${seed}`);
  if (faults.length > 0) process.exitCode = 1;
} finally {
  if (!values.keep) await down({ name: CLUSTER });
}
if (!values.keep) {
  const left = await leftovers({ name: CLUSTER });
  if (left.length > 0) throw new Error(`left behind: ${left.join('; ')}`);
}
