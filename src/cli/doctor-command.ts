import { Command } from 'commander';
import { createAwsClient } from '../../providers/aws-ec2/api/aws-client.ts';
import { awsEc2Settings } from '../config/aws-ec2.ts';
import { systemClock } from '../core/clock.ts';
import { survey } from '../install/survey.ts';
import { examineAws } from './doctor/aws/examine-aws.ts';
import { examine, exitCodeOf, findingsText } from './doctor/doctor.ts';
import type { Finding } from './doctor/finding.ts';
import { formatted, outputOption, type Structured } from './output.ts';
import { plannedConfig } from './planned-config.ts';
import { untilSignalled } from './until-signalled.ts';
import { KUBECONFIG, withClient } from './with-client.ts';

interface Flags {
  readonly virtualNode: string;
  readonly namespace: string;
  readonly output: 'text' | Structured;
  readonly kubeconfig?: string;
}

function tell(findings: readonly Finding[], output: 'text' | Structured): void {
  process.stdout.write(formatted(findings, output, { text: () => findingsText(findings) }));
  process.exitCode = exitCodeOf(findings);
}

function awsCommand(): Command {
  return new Command('aws')
    .description('Look at what cells in EC2 need, with the credentials of this shell. Nothing is made or changed.')
    .requiredOption('--config <file>', 'configuration of the provider')
    .addOption(outputOption('text'))
    .action(async ({ config: file, output }: { readonly config: string; readonly output: 'text' | Structured }) => {
      const config = await plannedConfig(file);
      const settings = awsEc2Settings(config);
      const client = createAwsClient({ settings, clock: systemClock });
      const { kubeletVersion } = config.virtualNode;
      try {
        const signal = untilSignalled();
        tell(await examineAws({ client, settings, kubeletVersion, cellApiPort: config.cellApi.port, signal }), output);
      } finally {
        client.close();
      }
    });
}

/** `nodeless doctor`: what is wrong with an installation, and what mends it. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Look at an installation from all sides, and say of what is wrong what mends it.')
    .option('--virtual-node <name>', 'name of the virtual node', 'nodeless')
    .option('--namespace <name>', 'namespace of the provider', 'nodeless-system')
    .enablePositionalOptions()
    .addOption(outputOption('text'))
    .option(...KUBECONFIG)
    .addHelpText('after', '\nExit code: 0 nothing is wrong, 1 something is, 2 something could not be looked at.')
    .action(async ({ virtualNode, namespace, output, kubeconfig }: Flags) => {
      await withClient(kubeconfig, async (client) => {
        const { nodes } = await survey(client, { virtualNode, namespace });
        const looking = { client, clock: systemClock, signal: untilSignalled() };
        const findings = await examine({ ...looking, virtualNode, namespace, nodes });
        tell(findings, output);
      });
    })
    .addCommand(awsCommand());
}
