import { Command } from 'commander';
import { parse } from 'yaml';
import { readConfig } from '../config/load.ts';
import { systemClock } from '../core/clock.ts';
import { NodelessError } from '../core/errors.ts';
import { webhookServiceName } from '../core/names.ts';
import { getOrUndefined } from '../kube/calls.ts';
import { createKubeClient, type KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/objects.ts';
import { installAndWait } from './install-command.ts';
import { type InstallFlags, installOptions } from './install-flags.ts';
import { loadKubeConfig } from './kube-config.ts';
import { timeoutOf } from './timeout-flag.ts';

interface Flags {
  readonly like: string;
  readonly namespace: string;
  readonly config?: string;
  readonly timeout: number;
  readonly wait: boolean;
  readonly kubeconfig?: string;
}

interface Container {
  readonly image?: string;
  readonly resources?: { readonly limits?: { readonly memory?: string } };
}

interface Deployment extends KubeObject {
  readonly spec?: {
    readonly replicas?: number;
    readonly template?: { readonly spec?: { readonly containers?: readonly Container[] } };
  };
}

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** The image, the replicas, their memory and the configuration of a provider in the cluster. @throws NodelessError NotFound */
async function modelOf(client: KubeClient, { like, namespace }: Flags) {
  const name = webhookServiceName(like);
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
  const deployment = await getOrUndefined<Deployment>(client, path);
  const config = await getOrUndefined<ConfigMap>(client, `/api/v1/namespaces/${namespace}/configmaps/${name}`);
  const { image, resources } = deployment?.spec?.template?.spec?.containers?.[0] ?? {};
  if (image === undefined || config === undefined) {
    const message = `there is no provider ${name} in namespace ${namespace} to be like: nodeless install --image does it first, or name another by --like`;
    throw new NodelessError({ code: 'NotFound', message });
  }
  const memory = resources?.limits?.memory;
  const size = { replicas: deployment?.spec?.replicas ?? 2, ...(memory === undefined ? {} : { memory }) };
  return { image, size, config: parse(config.data?.['nodeless.yaml'] ?? '') };
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
    .option('--timeout <duration>', 'how long to wait for that', timeoutOf, timeoutOf('5m'))
    .option('--kubeconfig <file>', 'kubeconfig of a cluster administrator; the default one when left out')
    .action(async (virtualNode: string, flags: Flags) => {
      const client = await createKubeClient(loadKubeConfig(flags.kubeconfig), systemClock);
      try {
        const { image, size, config } = await modelOf(client, flags);
        const content = flags.config === undefined ? config : await readConfig(flags.config);
        const source = { path: flags.config ?? `the configuration of ${flags.like}`, content };
        const said: InstallFlags = { image, ...size, virtualNode, namespace: flags.namespace };
        await installAndWait(installOptions(said, source), flags);
      } finally {
        await client.close();
      }
    });
}
