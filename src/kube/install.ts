import { readdir, readFile } from 'node:fs/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { systemClock } from '../core/clock.ts';
import { NodelessError } from '../core/errors.ts';
import { webhookServiceName, zoneNodeName } from '../core/names.ts';
import { call, getOrUndefined } from './calls.ts';
import { createKubeClient, type KubeClient } from './client.ts';
import { UNDOABLE_KINDS, undoneBy } from './install-undoing.ts';
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
  /** Take back what an earlier installation with other options set up. */
  readonly force?: boolean;
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

/** What an earlier installation left of the objects that can be taken back. */
async function standing(client: KubeClient, objects: readonly KubeObject[]): Promise<readonly KubeObject[]> {
  const undoable = objects.filter(({ kind }) => UNDOABLE_KINDS.some((one) => one === kind));
  const found = await Promise.all(
    undoable.map(async ({ kind = '', ...object }) => {
      const path = `${await collectionPath(client, { ...object, kind })}/${object.metadata.name}`;
      const there = await getOrUndefined<KubeObject>(client, path);
      return there === undefined ? [] : [{ ...there, kind }];
    }),
  );
  return found.flat();
}

/** What was done: `kind/name` of each object, and what of an earlier installation was taken back, in words. */
export interface Installed {
  readonly applied: readonly string[];
  readonly undone: readonly string[];
}

/**
 * Applies them server-side, as they are written: a client that knows kinds by models would drop the fields of a schema
 * that its models have not. Safe to repeat with the same options.
 * @throws NodelessError WouldUndo, before the first write, when other options set up what a provider may rely on
 */
export async function install(kubeConfig: KubeConfig, options: InstallOptions): Promise<Installed> {
  const client = await createKubeClient(kubeConfig, systemClock, 'nodeless-install');
  const applied: string[] = [];
  try {
    const objects = await installObjects(options);
    const undone = undoneBy(await standing(client, objects), objects);
    if (undone.length > 0 && options.force !== true) {
      const message = `nothing was applied, for a provider that runs might be cut off: ${undone.join('; ')}; repeat the flags of the earlier installation, or say --force`;
      throw new NodelessError({ code: 'WouldUndo', message });
    }
    for (const object of objects) {
      const path = `${await collectionPath(client, object)}/${object.metadata.name}`;
      const query = { fieldManager: 'nodeless-install', force: 'true' };
      await call(client, { method: 'PATCH', path, query, contentType: 'application/apply-patch+yaml', body: object });
      applied.push(`${object.kind}/${object.metadata.name}`);
    }
    return { applied, undone };
  } finally {
    await client.close();
  }
}
