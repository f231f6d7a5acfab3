import { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { createLogger } from '../telemetry/logger.ts';
import { loadKubeConfig } from './kube-config.ts';
import { untilSignalled } from './until-signalled.ts';

/** `nodeless run`: the provider. */
export function runCommand(): Command {
  return new Command('run')
    .description('Run the provider: register the virtual node and bring its pods to cells.')
    .requiredOption('-c, --config <file>', 'configuration file (YAML; docs/config.md)')
    .option('--kubeconfig <file>', 'kubeconfig of the cluster; in-cluster or default when left out')
    .option('--address <address>', 'virtualNode.address, where only the start tells it, as in a pod')
    .action(async (options: { config: string; kubeconfig?: string; address?: string }) => {
      const signal = untilSignalled();
      const { runProvider } = await import('../main.ts');
      const config = await loadConfig(options.config, options.address);
      const logger = createLogger(config.logLevel);
      await runProvider({ config, kubeConfig: loadKubeConfig(options.kubeconfig), logger, signal });
    });
}
