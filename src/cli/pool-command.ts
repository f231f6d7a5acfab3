import { Command, InvalidArgumentError, Option } from 'commander';
import { stringify } from 'yaml';
import { NodelessError } from '../core/errors.ts';
import { WARM_POOLS_PATH } from '../core/names.ts';
import { call, getOrUndefined } from '../kube/calls.ts';
import type { KubeObject } from '../kube/objects.ts';
import { isAgreedTo } from './confirm.ts';
import { formatted, outputOption, type Structured } from './output.ts';
import { offeringsOf, PLANNED_PROVIDERS } from './plan/offerings.ts';
import { plannedConfig } from './planned-config.ts';
import { type PoolChange, type PoolFlags, poolChange } from './pool/pool-change.ts';
import { type CellCost, cheapestFor, costText } from './pool/pool-cost.ts';
import { poolsText, poolText } from './pool/pools-text.ts';
import { untilSignalled } from './until-signalled.ts';
import { KUBECONFIG, withClient } from './with-client.ts';

interface Flags {
  readonly kubeconfig?: string;
}

interface ListFlags extends Flags {
  readonly output: 'table' | Structured;
}

interface SetFlags extends Flags, PoolFlags {
  readonly yes?: true;
  readonly dryRun?: true;
  readonly provider?: (typeof PLANNED_PROVIDERS)[number];
  readonly config?: string;
}

function number(text: string): number {
  if (/^\d{1,9}(\.\d{1,9})?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('is a number');
}

/** What the leader has told of the pool's cells counts, unless they become others; else what the provider offers. */
async function cellCost({ pool, isOtherCell }: PoolChange, before: KubeObject | undefined, flags: SetFlags) {
  const { instanceType = '', pricePerCellUsd = '' } = (before?.status ?? {}) as Readonly<Record<string, string>>;
  if (!isOtherCell && instanceType !== '' && Number(pricePerCellUsd) > 0)
    return { instanceType, pricePerHourUsd: Number(pricePerCellUsd) } satisfies CellCost;
  const config = await plannedConfig(flags.config);
  return cheapestFor(pool, await offeringsOf(flags.provider ?? config.provider, config, untilSignalled()));
}

async function confirmed(): Promise<boolean> {
  const agreed = await isAgreedTo('apply this?', process.stdout);
  if (agreed !== undefined) return agreed;
  const message = 'nobody can be asked here whether to apply this; say --yes, or --dry-run to only look';
  throw new NodelessError({ code: 'ConfigInvalid', message });
}

async function set(name: string, flags: SetFlags): Promise<void> {
  await withClient(flags.kubeconfig, async (client) => {
    const path = `${WARM_POOLS_PATH}/${encodeURIComponent(name)}`;
    const before = await getOrUndefined<KubeObject>(client, path);
    const change = poolChange(name, flags, before);
    process.stdout.write(costText(change.pool, await cellCost(change, before, flags)));
    if (flags.dryRun === true) {
      process.stdout.write(`---\n${stringify(change.object)}`);
      return;
    }
    if (flags.yes !== true && !(await confirmed())) {
      process.stdout.write('nothing was changed\n');
      return;
    }
    if (before === undefined) await call(client, { method: 'POST', path: WARM_POOLS_PATH, body: change.object });
    else {
      const contentType = 'application/merge-patch+json';
      await call(client, { method: 'PATCH', path, contentType, body: { spec: change.spec } });
    }
    process.stdout.write(`pool ${name} is ${before === undefined ? 'made' : 'changed'}\n`);
  });
}

function setCommand(): Command {
  return new Command('set')
    .description('Change a pool, or make one, after saying what it will cost.')
    .argument('<name>', 'name of the pool')
    .option('--startup-sla <duration>', 'how soon pods are to start, such as 5s')
    .option('--percentile <percent>', 'so many percent of them', number)
    .option('--min <cells>', 'cells that wait at least', number)
    .option('--max <cells>', 'cells that wait at most', number)
    .option('--replicas <cells>', 'cells that wait; 0 lets the pool size itself', number)
    .option('--shape <cpu/memory>', 'what its pods request at most, such as 500m/512Mi')
    .option('--selector <labels>', 'the pods that it is for, such as app=web')
    .option('--cell-class <name>', 'CellClass of its cells')
    .option('--budget <dollars>', 'US dollars an hour of all cells that wait', number)
    .option(
      '--schedule <windows...>',
      'other limits at times, such as "0 8 * * 1-5 Europe/Berlin 10h min=5 max=30"; instead of all before, or none',
    )
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'say what it would cost and be, and change nothing')
    .addOption(
      new Option('--provider <name>', 'whose prices, for new cells; the configured one when left out').choices(
        PLANNED_PROVIDERS,
      ),
    )
    .option('-c, --config <file>', 'configuration of the provider (docs/config.md); defaults when left out')
    .option(...KUBECONFIG)
    .action(set);
}

/** `nodeless pool`: the WarmPools, how they are, and what a change of one will cost. */
export function poolCommand(): Command {
  const list = new Command('list')
    .description('List the pools.')
    .addOption(outputOption('table'))
    .option(...KUBECONFIG)
    .action(async (flags: ListFlags) => {
      const ask = { method: 'GET', path: WARM_POOLS_PATH } as const;
      const { items } = await withClient(flags.kubeconfig, (client) => call<{ items: KubeObject[] }>(client, ask));
      process.stdout.write(formatted(items, flags.output, { table: () => poolsText(items) }));
    });
  const show = new Command('show')
    .description('Show one pool, and why it is so.')
    .argument('<name>', 'name of the pool')
    .addOption(outputOption('table'))
    .option(...KUBECONFIG)
    .action(async (name: string, flags: ListFlags) => {
      const path = `${WARM_POOLS_PATH}/${encodeURIComponent(name)}`;
      const pool = await withClient(flags.kubeconfig, (client) => getOrUndefined<KubeObject>(client, path));
      if (pool === undefined) {
        const message = `there is no pool ${name}; \`nodeless pool list\` tells which there are`;
        throw new NodelessError({ code: 'NotFound', message });
      }
      process.stdout.write(formatted(pool, flags.output, { table: () => poolText(pool) }));
    });
  return new Command('pool')
    .description('List, show and change warm pools.')
    .addCommand(list)
    .addCommand(show)
    .addCommand(setCommand());
}
