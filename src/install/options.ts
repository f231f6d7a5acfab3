import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import { parseUnserved } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { virtualNodesOf } from '../config/virtual-nodes.ts';
import { NodelessError } from '../core/errors.ts';
import { parseNano } from '../core/quantity.ts';

/** A provider that runs in the cluster that it serves. */
export interface InClusterProvider {
  readonly image: string;
  readonly replicas: number;
  /** How much memory a replica may have, as a quantity; enough for a virtual node's 1,000 pods unless given. */
  readonly memoryLimit?: string;
  /** What `nodeless run --config` reads, as a file says it. */
  readonly config: object;
}

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
  /** Also what the Prometheus operator reads. */
  readonly monitors?: boolean;
  /** Who signs what a provider that runs elsewhere serves with; one in the cluster has that in its configuration. */
  readonly signer?: string;
  /** Without one, only what a provider needs that runs elsewhere. */
  readonly provider?: InClusterProvider;
}

/** What a replica is sure of; its limit is at least its memory. */
const REQUESTS = { cpu: '100m', memory: '256Mi' };
/** 1,000 cells with a kube-proxy each take 2 GiB, and what cells may make the cell API hold 0.75 GiB (docs/cell-api.md). */
const MEMORY_LIMIT = '3Gi';

/** Whether a replica may have no more memory than that. @throws NodelessError InvalidQuantity */
export function isEnoughMemory(quantity: string): boolean {
  return parseNano(quantity) >= parseNano(REQUESTS.memory);
}

function refused(source: string, problem: string): NodelessError {
  return new NodelessError({ code: 'ConfigInvalid', message: `${source}: ${problem}`, identity: { source } });
}

interface Sections {
  readonly provider?: unknown;
  readonly virtualNode?: { readonly address?: unknown };
  readonly webhook?: { readonly enabled?: unknown };
}

/**
 * A configuration, held to what a provider in a pod can do.
 * @throws NodelessError ConfigInvalid naming what is wrong
 */
export function checkInCluster(input: object, source: string): Config {
  const { provider, virtualNode, webhook } = input as Sections;
  if (provider === undefined)
    throw refused(source, 'provider: is required in a cluster, for local cells can not be launched from a pod');
  if (provider === 'local')
    throw refused(source, 'provider: local cells can not be launched from a pod; run it on the machine, nodeless run');
  if (virtualNode?.address !== undefined)
    throw refused(source, 'virtualNode.address: is the pod’s own in a cluster; remove it');
  if (webhook?.enabled === false)
    throw refused(source, 'webhook.enabled: its server has the probes and metrics too; say --no-webhooks instead');
  return parseUnserved(input, source);
}

/** What stands in the manifests' placeholders, beside what each virtual node has of its own. */
export function workloadValues(provider: InClusterProvider): Readonly<Record<string, string>> {
  const { image, replicas, memoryLimit = MEMORY_LIMIT, config } = provider;
  const checked = checkInCluster(config, 'the configuration');
  const nodes = virtualNodesOf(checked);
  // The Service that follows the leader is there for cells to call.
  const { cellApi } = config as { readonly cellApi?: object };
  const text = stringify({ ...config, cellApi: { leaderService: true, ...cellApi } });
  return {
    IMAGE_REFERENCE: JSON.stringify(image),
    REPLICAS: String(replicas),
    RESOURCES: JSON.stringify({ requests: REQUESTS, limits: { memory: memoryLimit } }),
    CONFIGURATION: JSON.stringify(text),
    CONFIG_DIGEST: createHash('sha256').update(text).digest('hex').slice(0, 12),
    CELL_API_FIRST_PORT: String(nodes[0]?.cellApiPort),
    CELL_API_LAST_PORT: String(nodes.at(-1)?.cellApiPort),
    KUBELET_FIRST_PORT: String(nodes[0]?.kubeletEndpointPort),
    KUBELET_LAST_PORT: String(nodes.at(-1)?.kubeletEndpointPort),
    WEBHOOK_PORT: String(checked.webhook.port),
  };
}
