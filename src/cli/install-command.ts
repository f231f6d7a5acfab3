import { Command } from 'commander';
import { stringify } from 'yaml';
import { readConfig } from '../config/load.ts';
import { systemClock } from '../core/clock.ts';
import { differences, install } from '../install/install.ts';
import { installObjects } from '../install/objects.ts';
import type { InstallOptions } from '../install/options.ts';
import { rolledOut } from '../install/rollout.ts';
import { type InstallFlags, installOptions, memoryOf, nodesOf, replicasOf } from './install-flags.ts';
import { loadKubeConfig } from './kube-config.ts';
import { timeoutOption } from './timeout-flag.ts';
import { untilSignalled } from './until-signalled.ts';
import { withClient } from './with-client.ts';

function listOf(text: string): readonly string[] {
  return text.split(',').map((name) => name.trim());
}

/** How long an installation is waited for, and in which cluster. */
interface WaitFlags {
  readonly kubeconfig?: string;
  readonly wait: boolean;
  readonly timeout: number;
}

interface Flags extends InstallFlags, WaitFlags {
  readonly config?: string;
  readonly dryRun?: boolean;
  readonly diff?: boolean;
}

async function print(options: InstallOptions): Promise<void> {
  const documents = (await installObjects(options)).map((object) => stringify(object, { lineWidth: 0 }));
  process.stdout.write(documents.join('---\n'));
}

async function printDifferences(options: InstallOptions, kubeconfig: string | undefined): Promise<void> {
  for (const { object, is, fields } of await differences(loadKubeConfig(kubeconfig), options)) {
    if (is !== 'same') process.stdout.write(`${is === 'new' ? '+' : '~'} ${object}\n`);
    for (const field of fields) process.stdout.write(`    ${field}\n`);
  }
}

async function apply(options: InstallOptions, { kubeconfig }: WaitFlags): Promise<void> {
  const { applied, undone } = await install(loadKubeConfig(kubeconfig), options);
  for (const change of undone) process.stdout.write(`changed: ${change}\n`);
  for (const name of applied) process.stdout.write(`${name} applied\n`);
}

async function wait(options: InstallOptions, { kubeconfig, timeout: timeoutMs }: WaitFlags): Promise<void> {
  const { virtualNode, namespace, webhooks = true } = options;
  const tell = (missing: string) => process.stderr.write(`waiting: ${missing}\n`);
  const nodes = nodesOf(options);
  await withClient(kubeconfig, async (client) => {
    const rollout = { client, virtualNode, namespace, nodes, webhooks };
    await rolledOut(rollout, { clock: systemClock, timeoutMs, signal: untilSignalled(), tell });
    process.stdout.write(`${nodes.map((name) => `node ${name}`).join(', ')} Ready\n`);
  });
}

/** Applies everything, and waits until the virtual nodes of a provider in the cluster are Ready, unless told not to. */
export async function installAndWait(options: InstallOptions, flags: WaitFlags): Promise<void> {
  await apply(options, flags);
  if (options.provider === undefined)
    process.stderr.write('No provider was installed: start one by nodeless run, or say --image and --config.\n');
  else if (flags.wait) await wait(options, flags);
}

/** `nodeless install`: the provider in a cluster, or what one needs that runs elsewhere. */
export function installCommand(): Command {
  return new Command('install')
    .description('Install the provider in a cluster; without --image, what one needs there that runs elsewhere.')
    .option('--image <reference>', 'the provider’s image (nodeless image builds it); it runs as a Deployment')
    .option('-c, --config <file>', 'its configuration (docs/config.md)')
    .option('--replicas <number>', 'how many replicas of it, of which one leads', replicasOf, 2)
    .option('--memory <quantity>', 'how much memory each may have; 3Gi, for 1,000 pods, when left out', memoryOf)
    .option('--virtual-node <name>', 'name of the virtual node; as configured, or nodeless')
    .option('--zones <names>', 'zones that have a virtual node each, as zones.names has them: a,b,c', listOf)
    .option('--namespace <name>', 'namespace of the provider; as configured, or nodeless-system')
    .option('--webhook-url <url>', 'where API servers call the webhooks of a provider that runs elsewhere')
    .option('--no-webhooks', 'pods are not routed: they select the virtual node themselves')
    .option('--monitors', 'also a ServiceMonitor and a PrometheusRule, for the Prometheus operator')
    .option('--force', 'take back what an earlier installation set up with other flags')
    .option('--dry-run', 'print the objects instead, as YAML; the cluster is not asked')
    .option('--diff', 'say what would change in the cluster instead')
    .option('--no-wait', 'do not wait until the virtual node is Ready')
    .addOption(timeoutOption('how long to wait for that'))
    .option('--kubeconfig <file>', 'kubeconfig of a cluster administrator; the default one when left out')
    .action(async (flags: Flags) => {
      const { config: path } = flags;
      const options = installOptions(flags, path === undefined ? undefined : { path, content: await readConfig(path) });
      if (flags.dryRun === true) return print(options);
      if (flags.diff === true) return printDifferences(options, flags.kubeconfig);
      await installAndWait(options, flags);
    });
}
