import { Command } from 'commander';
import { type InstallOptions, install } from '../kube/install.ts';
import { checkFlags } from './install-flags.ts';
import { loadKubeConfig } from './kube-config.ts';

function listOf(text: string): readonly string[] {
  return text.split(',').map((name) => name.trim());
}

/** `nodeless install`: what the provider needs in a cluster. */
export function installCommand(): Command {
  return new Command('install')
    .description('Apply the CRDs, the RBAC, the admission policies and the webhooks that the provider needs.')
    .option('--virtual-node <name>', 'name of the virtual node', 'nodeless')
    .option('--zones <names>', 'zones that have a virtual node each, as zones.names has them: a,b,c', listOf)
    .option('--namespace <name>', 'namespace of the provider', 'nodeless-system')
    .option('--webhook-url <url>', 'where API servers call the webhooks; the virtual node’s Service when left out')
    .option('--no-webhooks', 'pods are not routed: they select the virtual node themselves')
    .option('--force', 'take back what an earlier installation set up with other flags')
    .option('--kubeconfig <file>', 'kubeconfig of a cluster administrator; the default one when left out')
    .action(async (options: InstallOptions & { kubeconfig?: string }) => {
      checkFlags(options);
      const { applied, undone } = await install(loadKubeConfig(options.kubeconfig), options);
      for (const change of undone) process.stdout.write(`changed: ${change}\n`);
      for (const name of applied) process.stdout.write(`${name} applied\n`);
    });
}
