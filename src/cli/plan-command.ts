import { Command, Option } from 'commander';
import { systemClock } from '../core/clock.ts';
import { NodelessError } from '../core/errors.ts';
import { NetworkPolicyIndex } from '../kube/network-policy-index.ts';
import { CellClasses } from '../placement/cell-classes.ts';
import { Placement } from '../placement/placement.ts';
import { ownArch } from '../virtual-node/node-spec.ts';
import { formatted, outputOption, type Structured } from './output.ts';
import { readObjects } from './plan/documents.ts';
import { type Facts, readFacts } from './plan/facts.ts';
import { checkObject, isForeign } from './plan/object-checks.ts';
import { offeringsOf, PLANNED_PROVIDERS } from './plan/offerings.ts';
import { type Planner, planAll } from './plan/plan.ts';
import { planText } from './plan/plan-text.ts';
import { plannedAgents } from './plan/planned-agents.ts';
import { routerOf } from './plan/router.ts';
import { WORKLOAD_KINDS, workloadOf } from './plan/workloads.ts';
import { plannedConfig } from './planned-config.ts';
import { untilSignalled } from './until-signalled.ts';
import { withClient } from './with-client.ts';

interface Flags {
  readonly filename: string;
  readonly output: 'table' | Structured;
  readonly namespace: string;
  readonly provider?: (typeof PLANNED_PROVIDERS)[number];
  readonly config?: string;
  readonly kubeconfig?: string;
}

async function plannerOf({ provider, config: file }: Flags, facts: Facts, signal: AbortSignal): Promise<Planner> {
  const config = await plannedConfig(file);
  const offerings = await offeringsOf(provider ?? config.provider, config, signal);
  const classes = new CellClasses(facts);
  const agents = plannedAgents(config, facts);
  const placement = new Placement({
    provider: { offerings: async () => offerings },
    classes,
    daemonSets: facts.daemonSets,
    injected: () => agents.all(),
    policies: new NetworkPolicyIndex(facts.networkPolicies),
    clock: systemClock,
    defaultSize: config.cells.defaultSize,
    csiDrivers: config.routing.csiDrivers,
    arch: ownArch(),
  });
  for (const { metadata, status } of facts.cells.items()) {
    const { cellClass = '', pricePerHourUsd = '0' } = (status ?? {}) as Record<string, string>;
    placement.spending.hold(metadata.name, cellClass, Number(pricePerHourUsd));
  }
  const nodeCell = { size: config.cells.nodeCell.size, isCounted: false };
  return {
    placement,
    facts,
    agentNamespaces: config.cells.agents.namespaces,
    nodeCell,
    hasZones: config.zones.names.length > 0,
    ...(config.webhook.enabled ? { router: routerOf(config, facts, classes) } : {}),
  };
}

async function factsFor(flags: Flags, objects: Awaited<ReturnType<typeof readObjects>>): Promise<Facts> {
  if (flags.kubeconfig === undefined) return readFacts(objects, undefined, flags.namespace);
  return withClient(flags.kubeconfig, async (client) => {
    return readFacts(objects, client, flags.namespace);
  });
}

async function plan(flags: Flags): Promise<number> {
  const objects = await readObjects(flags.filename);
  const foreign = objects.filter(isForeign);
  const known = objects.filter((object) => !isForeign(object));
  for (const object of known) checkObject(object);
  checkObject({ kind: 'Namespace', metadata: { name: flags.namespace } });
  for (const { kind, metadata } of foreign) process.stderr.write(`not planned: ${kind} ${metadata.name}\n`);
  const workloads = known.flatMap((object) => workloadOf(object, flags.namespace) ?? []);
  if (workloads.length === 0) {
    const found = [...new Set(known.map(({ kind = '' }) => kind))].join(', ');
    const has = found === '' ? 'has nothing that makes pods' : `has ${found}, of which nothing makes pods`;
    const source = flags.filename === '-' ? 'the standard input' : flags.filename;
    const message = `${source} ${has}; kinds that do are ${WORKLOAD_KINDS.join(', ')}`;
    throw new NodelessError({ code: 'ConfigInvalid', message });
  }
  const facts = await factsFor(flags, known);
  const signal = untilSignalled();
  const plans = await planAll(workloads, await plannerOf(flags, facts, signal), signal);
  process.stdout.write(formatted(plans, flags.output, { table: () => planText(plans) }));
  if (flags.kubeconfig === undefined)
    process.stderr.write('planned without a cluster; --kubeconfig counts what is there\n');
  return plans.some(({ refused }) => refused !== undefined) ? 1 : 0;
}

/** `nodeless plan`: what cells the pods of a manifest would get, what they would cost, and why. */
export function planCommand(): Command {
  return new Command('plan')
    .description('Show which cells the pods of a manifest would get, at what price, and why; nothing is created.')
    .requiredOption('-f, --filename <file>', 'manifest (YAML or JSON, any number of objects); - for the standard input')
    .option('-n, --namespace <name>', 'namespace of objects that name none', 'default')
    .addOption(outputOption('table'))
    .addOption(
      new Option('--provider <name>', 'whose offerings; the configured one when left out').choices(PLANNED_PROVIDERS),
    )
    .option('-c, --config <file>', 'configuration of the provider (docs/config.md); defaults when left out')
    .option('--kubeconfig <file>', 'count what this cluster has: CellClasses, cells, namespaces and what routes pods')
    .action(async (flags: Flags) => {
      process.exitCode = await plan(flags);
    });
}
