import { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { survey } from '../install/survey.ts';
import { examine, exitCodeOf, findingsText } from './doctor/doctor.ts';
import { formatted, outputOption, type Structured } from './output.ts';
import { untilSignalled } from './until-signalled.ts';
import { KUBECONFIG, withClient } from './with-client.ts';

interface Flags {
  readonly virtualNode: string;
  readonly namespace: string;
  readonly output: 'text' | Structured;
  readonly kubeconfig?: string;
}

/** `nodeless doctor`: what is wrong with an installation, and what mends it. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Look at an installation from all sides, and say of what is wrong what mends it.')
    .option('--virtual-node <name>', 'name of the virtual node', 'nodeless')
    .option('--namespace <name>', 'namespace of the provider', 'nodeless-system')
    .addOption(outputOption('text'))
    .option(...KUBECONFIG)
    .addHelpText('after', '\nExit code: 0 nothing is wrong, 1 something is, 2 something could not be looked at.')
    .action(async ({ virtualNode, namespace, output, kubeconfig }: Flags) => {
      await withClient(kubeconfig, async (client) => {
        const { nodes } = await survey(client, { virtualNode, namespace });
        const looking = { client, clock: systemClock, signal: untilSignalled() };
        const findings = await examine({ ...looking, virtualNode, namespace, nodes });
        process.stdout.write(formatted(findings, output, { text: () => findingsText(findings) }));
        process.exitCode = exitCodeOf(findings);
      });
    });
}
