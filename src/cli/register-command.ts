import { Command } from 'commander';
import { readConfig } from '../config/load.ts';
import { configBeside, modelOf } from '../install/model.ts';
import { installAndWait } from './install-command.ts';
import { type InstallFlags, installOptions } from './install-flags.ts';
import { timeoutOption } from './timeout-flag.ts';
import { withClient } from './with-client.ts';

interface Flags {
  readonly like: string;
  readonly namespace: string;
  readonly config?: string;
  readonly timeout: number;
  readonly wait: boolean;
  readonly kubeconfig?: string;
}

/** `nodeless register NAME`: one more virtual node, beside one whose provider is in the cluster. */
export function registerCommand(): Command {
  return new Command('register')
    .description('Add a virtual node to a cluster that has one, with a provider of its own of the same image.')
    .argument('<name>', 'name of the new virtual node')
    .option('--like <name>', 'the virtual node whose image and configuration it has', 'nodeless')
    .option('-c, --config <file>', 'its configuration, instead of that one’s')
    .option('--namespace <name>', 'namespace of both providers', 'nodeless-system')
    .option('--no-wait', 'do not wait until the virtual node is Ready')
    .addOption(timeoutOption('how long to wait for that'))
    .option('--kubeconfig <file>', 'kubeconfig of a cluster administrator; the default one when left out')
    .action(async (virtualNode: string, flags: Flags) => {
      await withClient(flags.kubeconfig, async (client) => {
        const { like, namespace, config: path } = flags;
        const model = await modelOf(client, like, namespace);
        const content = path === undefined ? configBeside(model.config, like) : await readConfig(path);
        const source = { path: path ?? `the configuration of ${like}`, content };
        const said: InstallFlags = { ...model.flags, virtualNode, namespace };
        await installAndWait(installOptions(said, source), flags);
      });
    });
}
