import { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { survey } from '../install/survey.ts';
import { writeBundle } from './bundle/bundle.ts';
import { partsOf } from './bundle/parts.ts';
import { untilSignalled } from './until-signalled.ts';
import { KUBECONFIG, withClient } from './with-client.ts';

interface Flags {
  readonly virtualNode: string;
  readonly namespace: string;
  readonly file?: string;
  readonly kubeconfig?: string;
}

/** `nodeless bundle`: what somebody else needs to find out what is wrong, in one file without secrets. */
export function bundleCommand(): Command {
  return new Command('bundle')
    .description('Gather what helps to find out what is wrong in one archive, without secrets.')
    .option('--virtual-node <name>', 'name of the virtual node', 'nodeless')
    .option('--namespace <name>', 'namespace of the provider', 'nodeless-system')
    .option('--file <file>', 'where the archive goes; nodeless-bundle-TIME.tar.gz in this folder when left out')
    .option(...KUBECONFIG)
    .addHelpText('after', '\nSecrets are not read. Look through the archive all the same before you give it away.')
    .action(async ({ virtualNode, namespace, file, kubeconfig }: Flags) => {
      const signal = untilSignalled();
      const folder = `nodeless-bundle-${new Date(systemClock.now()).toISOString().replaceAll(/[:.]/g, '-')}`;
      const target = file ?? `${folder}.tar.gz`;
      await withClient(kubeconfig, async (client) => {
        const { nodes } = await survey(client, { virtualNode, namespace });
        const parts = await partsOf({ client, clock: systemClock, signal, virtualNode, namespace, nodes });
        const { files, missing } = await writeBundle({ folder, file: target, parts }, signal);
        process.stdout.write(`${target}: ${files.length} files\n`);
        for (const line of missing) process.stderr.write(`not in it: ${line}\n`);
      });
    });
}
