import { readdir, readFile } from 'node:fs/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { systemClock } from '../core/clock.ts';
import { NodelessError } from '../core/errors.ts';
import { webhookServiceName, zoneNodeName } from '../core/names.ts';
import { call } from './calls.ts';
import { createKubeClient, type KubeClient } from './client.ts';
import type { KubeObject } from './objects.ts';

const DEPLOY = new URL('../../deploy/', import.meta.url);

export interface InstallOptions {
  readonly virtualNode: string;
  readonly namespace: string;
  /** Zones that have a virtual node each; without any there is one, of that name. */
  readonly zones?: readonly string[];
  /** Where API servers call the webhooks: the virtual node's Service unless given. */
  readonly webhookUrl?: string;
  /** False: no webhook is asked, and pods say themselves that they go to the virtual node. */
  readonly webhooks?: boolean;
}

interface ClientConfig {
  service?: { readonly path: string };
  url?: string;
}

interface WebhookConfiguration extends KubeObject {
  readonly webhooks?: readonly { clientConfig: ClientConfig }[];
}

/** The object with its webhooks called by URL, or undefined where it is not wanted. */
function called(object: WebhookConfiguration, { webhookUrl, webhooks = true }: InstallOptions): KubeObject | undefined {
  const isConfiguration = object.kind?.endsWith('WebhookConfiguration') === true;
  if (!isConfiguration)
    return object.kind === 'Service' && (!webhooks || webhookUrl !== undefined) ? undefined : object;
  if (!webhooks) return undefined;
  if (webhookUrl === undefined) return object;
  const byUrl = ({ service }: ClientConfig) => ({ url: `${webhookUrl.replace(/\/$/, '')}${service?.path ?? ''}` });
  const entries = object.webhooks?.map((webhook) => ({ ...webhook, clientConfig: byUrl(webhook.clientConfig) }));
  return { ...object, webhooks: entries } as KubeObject;
}

/** Lists with an item about EACH_NODE, with that item for each of the nodes instead. */
function forEachNode(value: unknown, nodes: readonly string[]): unknown {
  if (Array.isArray(value))
    return value.flatMap((item) =>
      typeof item === 'string' && item.includes('EACH_NODE')
        ? nodes.map((node) => item.replaceAll('EACH_NODE', node))
        : [forEachNode(item, nodes)],
    );
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, forEachNode(member, nodes)]));
}

/** The objects that a cluster needs before the provider can run, with the names filled in, in order of need. */
export async function installObjects(options: InstallOptions): Promise<readonly KubeObject[]> {
  const objects: KubeObject[] = [];
  const { virtualNode, zones = [] } = options;
  const nodes = zones.length === 0 ? [virtualNode] : zones.map((zone) => zoneNodeName(virtualNode, zone));
  for (const folder of ['crds/', 'manifests/']) {
    for (const file of (await readdir(new URL(folder, DEPLOY))).sort()) {
      const text = await readFile(new URL(folder + file, DEPLOY), 'utf8');
      const filled = text
        .replaceAll('WEBHOOK_SERVICE', webhookServiceName(virtualNode))
        .replaceAll('VIRTUAL_NODE', virtualNode)
        .replaceAll('NAMESPACE', options.namespace);
      const parsed = parseAllDocuments(filled).map((document) => forEachNode(document.toJS(), nodes) as KubeObject);
      objects.push(...parsed.flatMap((object) => called(object, options) ?? []));
    }
  }
  return objects;
}

/** Where the API server keeps objects of a kind, by its own word. */
async function collectionPath(client: KubeClient, { apiVersion = 'v1', kind, metadata }: KubeObject): Promise<string> {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const { resources } = await call<ResourceKinds>(client, { method: 'GET', path: root });
  const resource = resources.find(({ name, kind: its }) => its === kind && !name.includes('/'));
  if (resource === undefined) {
    const message = `the cluster has no ${kind} of ${apiVersion}; Nodeless needs a newer Kubernetes`;
    throw new NodelessError({ code: 'NotFound', message });
  }
  const namespace = resource.namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : '';
  return `${root}${namespace}/${resource.name}`;
}

interface ResourceKinds {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
}

/**
 * Applies them server-side, as they are written: a client that knows kinds by models would drop the fields of a schema
 * that its models have not. Safe to repeat. Resolves with `kind/name` of each.
 */
export async function install(kubeConfig: KubeConfig, options: InstallOptions): Promise<readonly string[]> {
  const client = await createKubeClient(kubeConfig, systemClock, 'nodeless-install');
  const applied: string[] = [];
  try {
    for (const object of await installObjects(options)) {
      const path = `${await collectionPath(client, object)}/${object.metadata.name}`;
      const query = { fieldManager: 'nodeless-install', force: 'true' };
      await call(client, { method: 'PATCH', path, query, contentType: 'application/apply-patch+yaml', body: object });
      applied.push(`${object.kind}/${object.metadata.name}`);
    }
  } finally {
    await client.close();
  }
  return applied;
}
