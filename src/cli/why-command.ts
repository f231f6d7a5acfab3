import { Command } from 'commander';
import { formatted, outputOption, type Structured } from './output.ts';
import { accountOf } from './why/account.ts';
import { accountText } from './why/account-text.ts';
import { readEvidence } from './why/evidence.ts';
import { podNameOf } from './why/pod-argument.ts';
import { KUBECONFIG, withClient } from './with-client.ts';

interface Flags {
  readonly namespace: string;
  readonly output: 'text' | Structured;
  readonly kubeconfig?: string;
}

/** `nodeless why POD`: what happened to a pod, from what the cluster still has of it. */
export function whyCommand(): Command {
  return new Command('why')
    .description('Tell why a pod is where it is: decision, choice, attempts, and how long each stage took.')
    .argument('<pod>', 'name of the pod; pod/NAME will do')
    .option('-n, --namespace <name>', 'its namespace', 'default')
    .addOption(outputOption('text'))
    .option(...KUBECONFIG)
    .action(async (name: string, { namespace, output, kubeconfig }: Flags) => {
      await withClient(kubeconfig, async (client) => {
        const account = accountOf(await readEvidence(client, namespace, podNameOf(name)));
        process.stdout.write(formatted(account, output, { text: () => accountText(account) }));
      });
    });
}
