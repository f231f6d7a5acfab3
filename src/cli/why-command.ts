import { Command, Option } from 'commander';
import { systemClock } from '../core/clock.ts';
import { createKubeClient } from '../kube/client.ts';
import { loadKubeConfig } from './kube-config.ts';
import { accountOf } from './why/account.ts';
import { accountText } from './why/account-text.ts';
import { readEvidence } from './why/evidence.ts';
import { podNameOf } from './why/pod-argument.ts';

interface Flags {
  readonly namespace: string;
  readonly output: 'text' | 'json';
  readonly kubeconfig?: string;
}

/** `nodeless why POD`: what happened to a pod, from what the cluster still has of it. */
export function whyCommand(): Command {
  return new Command('why')
    .description('Tell why a pod is where it is: decision, choice, attempts, and how long each stage took.')
    .argument('<pod>', 'name of the pod; pod/NAME will do')
    .option('-n, --namespace <name>', 'its namespace', 'default')
    .addOption(new Option('-o, --output <format>', 'how to tell it').choices(['text', 'json']).default('text'))
    .option('--kubeconfig <file>', 'kubeconfig of the cluster; the default one when left out')
    .action(async (name: string, { namespace, output, kubeconfig }: Flags) => {
      const client = await createKubeClient(loadKubeConfig(kubeconfig), systemClock);
      try {
        const account = accountOf(await readEvidence(client, namespace, podNameOf(name)));
        process.stdout.write(output === 'json' ? `${JSON.stringify(account, null, 2)}\n` : accountText(account));
      } finally {
        await client.close();
      }
    });
}
