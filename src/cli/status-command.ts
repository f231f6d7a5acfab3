import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import { systemClock } from '../core/clock.ts';
import { createKubeClient } from '../kube/client.ts';
import { loadKubeConfig } from './kube-config.ts';
import { standings, standingsText } from './status/status.ts';
import { untilSignalled } from './until-signalled.ts';

interface Flags {
  readonly output: 'text' | 'json' | 'yaml';
  readonly kubeconfig?: string;
}

/** `nodeless status`: how the virtual nodes of a cluster stand. */
export function statusCommand(): Command {
  return new Command('status')
    .description('Show how the virtual nodes of a cluster stand: who leads, replicas, pods, cells.')
    .addOption(new Option('-o, --output <format>', 'how to tell it').choices(['text', 'json', 'yaml']).default('text'))
    .option('--kubeconfig <file>', 'kubeconfig of the cluster; the default one when left out')
    .addHelpText('after', '\nExit code: 0 when all are healthy, 1 when one is not or none is installed.')
    .action(async ({ output, kubeconfig }: Flags) => {
      const client = await createKubeClient(loadKubeConfig(kubeconfig), systemClock);
      try {
        const all = await standings({ client, clock: systemClock, signal: untilSignalled() });
        const formats = {
          text: () => standingsText(all),
          json: () => `${JSON.stringify(all, null, 2)}\n`,
          yaml: () => stringify(all),
        };
        process.stdout.write(formats[output]());
        process.exitCode = all.length > 0 && all.every(({ isHealthy }) => isHealthy) ? 0 : 1;
      } finally {
        await client.close();
      }
    });
}
