import { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { formatted, outputOption, type Structured } from './output.ts';
import { standings, standingsText } from './status/status.ts';
import { untilSignalled } from './until-signalled.ts';
import { KUBECONFIG, withClient } from './with-client.ts';

interface Flags {
  readonly output: 'text' | Structured;
  readonly kubeconfig?: string;
}

/** `nodeless status`: how the virtual nodes of a cluster stand. */
export function statusCommand(): Command {
  return new Command('status')
    .description('Show how the virtual nodes of a cluster stand: who leads, replicas, pods, cells.')
    .addOption(outputOption('text'))
    .option(...KUBECONFIG)
    .addHelpText('after', '\nExit code: 0 when all are healthy, 1 when one is not or none is installed.')
    .action(async ({ output, kubeconfig }: Flags) => {
      await withClient(kubeconfig, async (client) => {
        const all = await standings({ client, clock: systemClock, signal: untilSignalled() });
        process.stdout.write(formatted(all, output, { text: () => standingsText(all) }));
        process.exitCode = all.length > 0 && all.every(({ isHealthy }) => isHealthy) ? 0 : 1;
      });
    });
}
