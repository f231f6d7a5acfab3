import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KubeConfig } from '@kubernetes/client-node';
import { stringify } from 'yaml';
import { systemClock } from '../../core/clock.ts';
import { zoneNodeName } from '../../core/names.ts';
import { NODE_FLAGS } from '../../core/node-flags.ts';
import { install } from '../../install/install.ts';
import { hooksPath } from '../../install/survey.ts';
import { call, getOrUndefined } from '../../kube/calls.ts';
import { createKubeClient, type KubeClient } from '../../kube/client.ts';
import { hasCondition, type KubeObject } from '../../kube/objects.ts';
import { startComponent, waitForComponent } from '../processes/component.ts';
import { writePrivate } from '../state.ts';
import type { LocalCluster } from '../up.ts';

/** Name of the provider among the cluster's components. */
export const PROVIDER = 'nodeless';
const NAMESPACE = 'nodeless-system';
const READY_TIMEOUT_MS = 60_000;
const WEBHOOK_PORT = 9_443;
const TOKEN_SECONDS = 24 * 3600;
const PROGRAM = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

export interface ProviderOptions {
  readonly cluster: LocalCluster;
  readonly signal: AbortSignal;
  /** Name of the virtual node; `nodeless` unless given. */
  readonly virtualNode?: string;
  /** Of several replicas, its name among the cluster's components; `nodeless` unless given. */
  readonly replica?: string;
  /** Where the provider finds the API server; a test may put something in between. */
  readonly apiServer?: { readonly url: string; readonly caFile: string };
  /** Another program that runs a provider, called as `node PROGRAM run …`; our own unless given. */
  readonly program?: string;
  /** `nodeless run` configuration over what the local cluster needs, by section. */
  readonly config?: Readonly<Record<string, Readonly<Record<string, unknown>> | string>>;
}

interface WebhookConfiguration extends KubeObject {
  readonly webhooks?: readonly { readonly clientConfig: { readonly caBundle?: string } }[];
}

interface ZonesSection {
  readonly names?: readonly string[];
}

interface WebhookSection {
  readonly enabled?: boolean;
  readonly host?: string;
  readonly port?: number;
}

/** The admin's client of a local cluster. Close it. */
export async function adminClient(cluster: LocalCluster): Promise<KubeClient> {
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfigs.admin);
  return createKubeClient(config, systemClock);
}

/** A kubeconfig of the provider's own service account, with what it ships as RBAC and nothing more. */
async function writeKubeconfig(options: ProviderOptions, client: KubeClient): Promise<string> {
  const { cluster, signal, replica = PROVIDER } = options;
  const { url: server, caFile } = options.apiServer ?? { url: cluster.apiServerUrl, caFile: cluster.caFile };
  const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/nodeless/token`;
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: TOKEN_SECONDS },
  };
  const { status } = await call<{ status: { token: string } }>(client, { method: 'POST', path, body, signal });
  const file = join(cluster.paths.kubeconfigDir, `${replica}.yaml`);
  const name = PROVIDER;
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority': caFile } }],
    users: [{ name, user: { token: status.token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
  await writePrivate(file, stringify(kubeconfig));
  return file;
}

async function writeConfig(options: ProviderOptions): Promise<string> {
  const { cluster, virtualNode = 'nodeless', replica = PROVIDER, config = {} } = options;
  const { paths } = cluster;
  const { virtualNode: node, local, provider = 'local', ...others } = config;
  const whole = {
    provider,
    virtualNode: { name: virtualNode, address: cluster.address, ...(node as object) },
    local: {
      cluster: paths.name,
      stateDir: join(paths.stateDir, 'cloud'),
      imagesDir: cluster.imagesDir,
      kubelet: join(cluster.binDir, 'kubelet'),
      ...(local as object),
    },
    ...others,
  };
  const file = join(paths.configDir, `${replica}.yaml`);
  await writePrivate(file, stringify(whole));
  return file;
}

/** Where the API server finds the webhooks of a provider that is configured so. */
function webhooksOf({ cluster, config = {} }: ProviderOptions) {
  const { enabled = true, host = cluster.address, port = WEBHOOK_PORT } = (config.webhook ?? {}) as WebhookSection;
  return { webhooks: enabled, webhookUrl: `https://${host}:${port}` };
}

/** Whether the API server has been told what to trust, which the provider does as it begins to serve. */
async function areTrusted(client: KubeClient, virtualNode: string, signal: AbortSignal): Promise<boolean> {
  const found = await getOrUndefined<WebhookConfiguration>(client, hooksPath(virtualNode), signal);
  return found?.webhooks?.every(({ clientConfig }) => clientConfig.caBundle !== undefined) === true;
}

/** Installs what the provider needs in the cluster, starts it in the cluster's namespace, and waits until its nodes are Ready. */
export async function startProvider(options: ProviderOptions): Promise<void> {
  const { cluster, signal, virtualNode = 'nodeless', replica = PROVIDER, program = PROGRAM } = options;
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(cluster.kubeconfigs.admin);
  const client = await createKubeClient(kubeConfig, systemClock);
  try {
    const webhooks = webhooksOf(options);
    const { names: zones = [] } = (options.config?.zones ?? {}) as ZonesSection;
    await install(kubeConfig, { virtualNode, namespace: NAMESPACE, zones, force: true, ...webhooks });
    const kubeconfig = await writeKubeconfig(options, client);
    const config = await writeConfig(options);
    const argv = [process.execPath, ...NODE_FLAGS, program, 'run', '--config', config, '--kubeconfig', kubeconfig];
    await startComponent(cluster.paths, replica, argv);
    const nodes = zones.length === 0 ? [virtualNode] : zones.map((zone) => zoneNodeName(virtualNode, zone));
    const isReady = async (node: string) =>
      hasCondition(await getOrUndefined<KubeObject>(client, `/api/v1/nodes/${node}`, signal), 'Ready');
    const check = async () =>
      (await Promise.all(nodes.map(isReady))).every(Boolean) &&
      (!webhooks.webhooks || (await areTrusted(client, virtualNode, signal)));
    await waitForComponent(cluster.paths, replica, { check, timeoutMs: READY_TIMEOUT_MS, signal });
  } finally {
    await client.close();
  }
}
