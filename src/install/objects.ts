import { readdir, readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { virtualNodesOf } from '../config/virtual-nodes.ts';
import {
  cellsServiceName,
  KUBELET_SERVING_SIGNER,
  metricsServiceName,
  webhookServiceName,
  workloadName,
  zoneNodeName,
} from '../core/names.ts';
import type { KubeObject } from '../kube/objects.ts';
import { checkInCluster, type InstallOptions, workloadValues } from './options.ts';
import { type NodeValues, objectsOf } from './placeholders.ts';

const DEPLOY = new URL('../../deploy/', import.meta.url);
/** Where a provider listens that nothing is said about. */
const WEBHOOK_PORT = '9443';

interface ClientConfig {
  service?: { readonly path: string };
  url?: string;
}

interface WebhookConfiguration extends KubeObject {
  readonly webhooks?: readonly { clientConfig: ClientConfig }[];
}

/** The object with its webhooks called by URL, or undefined where it is not wanted. */
function called(object: WebhookConfiguration, options: InstallOptions): KubeObject | undefined {
  const { webhookUrl, webhooks = true, virtualNode } = options;
  const isConfiguration = object.kind?.endsWith('WebhookConfiguration') === true;
  if (!isConfiguration) {
    const isCalled = object.kind === 'Service' && object.metadata.name === webhookServiceName(virtualNode);
    return isCalled && (!webhooks || webhookUrl !== undefined) ? undefined : object;
  }
  if (!webhooks) return undefined;
  if (webhookUrl === undefined) return object;
  const byUrl = ({ service }: ClientConfig) => ({ url: `${webhookUrl.replace(/\/$/, '')}${service?.path ?? ''}` });
  const entries = object.webhooks?.map((webhook) => ({ ...webhook, clientConfig: byUrl(webhook.clientConfig) }));
  return { ...object, webhooks: entries } as KubeObject;
}

function nodeValues({ virtualNode, zones = [], provider }: InstallOptions): readonly NodeValues[] {
  if (provider === undefined) {
    const names = zones.length === 0 ? [virtualNode] : zones.map((zone) => zoneNodeName(virtualNode, zone));
    return names.map((name) => ({ NODE_NAME: name }));
  }
  return virtualNodesOf(checkInCluster(provider.config, 'the configuration')).map(({ name, cellApiPort }) => ({
    NODE_NAME: name,
    NODE_CELLS_SERVICE: cellsServiceName(name),
    NODE_CELL_API_PORT: String(cellApiPort),
  }));
}

/** Who signs what the kubelet endpoint serves with. */
function signerOf({ provider, signer = KUBELET_SERVING_SIGNER }: InstallOptions): string {
  return provider === undefined ? signer : checkInCluster(provider.config, 'the configuration').kubeletEndpoint.signer;
}

/** The texts of the manifests in a folder below deploy, in the order of their names. */
export async function manifests(folder: string): Promise<ReadonlyMap<string, string>> {
  const at = new URL(`${folder}/`, DEPLOY);
  const files = (await readdir(at)).filter((name) => name.endsWith('.yaml')).sort();
  const texts = await Promise.all(
    files.map(async (name) => [name, await readFile(new URL(name, at), 'utf8')] as const),
  );
  return new Map(texts);
}

/** The rules for Prometheus, as one line of YAML. */
async function rules(): Promise<string> {
  return JSON.stringify(parse(await readFile(new URL('monitoring/rules.yaml', DEPLOY), 'utf8')));
}

/** The objects that a cluster needs, with the names filled in, in order of need; with a provider, it is among them. */
export async function installObjects(options: InstallOptions): Promise<readonly KubeObject[]> {
  const { virtualNode, namespace, provider, monitors = false } = options;
  const workload = provider === undefined ? { WEBHOOK_PORT } : workloadValues(provider);
  const values = {
    ...workload,
    WEBHOOK_SERVICE: webhookServiceName(virtualNode),
    METRICS_SERVICE: metricsServiceName(virtualNode),
    WORKLOAD: workloadName(virtualNode),
    VIRTUAL_NODE: virtualNode,
    NAMESPACE: namespace,
    SERVING_SIGNER: signerOf(options),
    ...(monitors ? { RULES: await rules() } : {}),
  };
  const nodes = nodeValues(options);
  const folders = [
    ...['crds', 'manifests'],
    ...(provider === undefined ? [] : ['provider']),
    ...(monitors ? ['operator'] : []),
  ];
  const texts = (await Promise.all(folders.map(manifests))).flatMap((files) => [...files.values()]);
  const objects = texts.flatMap((text) => objectsOf(text, values, nodes));
  return objects.flatMap((object) => called(object, options) ?? []);
}
