import { Command } from 'commander';
import { install } from '../kube/install.ts';
import { loadKubeConfig } from './kube-config.ts';

/** `nodeless install`: what the provider needs in a cluster. */
export function installCommand(): Command {
  return new Command('install')
    .description('Apply the CRDs, the RBAC and the admission policy that the provider needs.')
    .option('--virtual-node <name>', 'name of the virtual node', 'nodeless')
    .option('--namespace <name>', 'namespace of the provider', 'nodeless-system')
    .option('--kubeconfig <file>', 'kubeconfig of a cluster administrator; the default one when left out')
    .action(async (options: { virtualNode: string; namespace: string; kubeconfig?: string }) => {
      const applied = await install(loadKubeConfig(options.kubeconfig), options);
      for (const name of applied) process.stdout.write(`${name} applied\n`);
    });
}
