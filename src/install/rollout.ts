import { call, getOrUndefined } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import { hasCondition, type KubeObject } from '../kube/objects.ts';
import { deploymentPath, hooksPath } from './survey.ts';
import { untilClear, type Wait } from './until-clear.ts';

interface Deployment extends KubeObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
    readonly replicas?: number;
  };
}

interface ContainerState {
  readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } };
  readonly lastState?: { readonly terminated?: { readonly message?: string; readonly exitCode?: number } };
}

interface ProviderPod extends KubeObject {
  readonly status?: {
    readonly containerStatuses?: readonly ContainerState[];
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
  };
}

interface WebhookConfiguration extends KubeObject {
  readonly webhooks?: readonly { readonly clientConfig: { readonly caBundle?: string } }[];
}

/** What of the cluster says how far an installation is. */
export interface Sight {
  readonly deployment: Deployment | undefined;
  readonly pods: readonly ProviderPod[];
  /** By name; undefined where the Node is not there yet. */
  readonly nodes: Readonly<Record<string, KubeObject | undefined>>;
  /** Undefined where no webhook is to be asked. */
  readonly webhooks: WebhookConfiguration | undefined;
}

/** Why a pod of the provider does not run, in its own words. */
function complaint({ metadata, status }: ProviderPod): readonly string[] {
  const unscheduled = status?.conditions?.find(({ type, status: its }) => type === 'PodScheduled' && its === 'False');
  if (unscheduled !== undefined) return [`pod ${metadata.name}: ${unscheduled.message ?? 'is not scheduled'}`];
  return (status?.containerStatuses ?? []).flatMap(({ state, lastState }) => {
    const waiting = state?.waiting;
    if (waiting === undefined || waiting.reason === 'ContainerCreating') return [];
    const ended = lastState?.terminated;
    const last = ended === undefined ? '' : `, exit code ${ended.exitCode}: see kubectl logs --previous`;
    return [`pod ${metadata.name}: ${[waiting.reason, waiting.message].filter(Boolean).join(', ')}${last}`];
  });
}

/** What is still missing, in words; nothing when all is there. Pure. */
export function missing({ deployment, pods, nodes, webhooks }: Sight): readonly string[] {
  const wanted = deployment?.spec?.replicas ?? 0;
  const { observedGeneration, updatedReplicas = 0, availableReplicas = 0 } = deployment?.status ?? {};
  const isSeen = deployment !== undefined && observedGeneration === deployment.metadata.generation;
  const there = isSeen ? Math.min(updatedReplicas, availableReplicas) : 0;
  const distrusted = webhooks?.webhooks?.some(({ clientConfig }) => clientConfig.caBundle === undefined) === true;
  const unready = Object.entries(nodes).filter(([, node]) => !hasCondition(node, 'Ready'));
  return [
    ...(deployment === undefined || there < wanted ? [`${there} of ${wanted} replicas are ready`] : []),
    ...(distrusted ? ['the API server does not trust the webhooks yet'] : []),
    ...unready.map(([name, node]) => `node ${name} is ${node === undefined ? 'not there' : 'not Ready'}`),
    ...pods.flatMap(complaint),
  ];
}

export interface Rollout {
  readonly client: KubeClient;
  readonly virtualNode: string;
  readonly namespace: string;
  readonly nodes: readonly string[];
  readonly webhooks: boolean;
}

async function look({ client, virtualNode, namespace, nodes, webhooks }: Rollout, signal: AbortSignal): Promise<Sight> {
  const selector = `app.kubernetes.io/name=nodeless,app.kubernetes.io/instance=${virtualNode}`;
  const query = { labelSelector: selector };
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const { items } = await call<{ items: readonly ProviderPod[] }>(client, { method: 'GET', path, query, signal });
  const found = await Promise.all(
    nodes.map(
      async (name) => [name, await getOrUndefined<KubeObject>(client, `/api/v1/nodes/${name}`, signal)] as const,
    ),
  );
  const at = deploymentPath(namespace, virtualNode);
  return {
    deployment: await getOrUndefined<Deployment>(client, at, signal),
    pods: items.filter(({ metadata }) => metadata.deletionTimestamp === undefined),
    nodes: Object.fromEntries(found),
    webhooks: webhooks ? await getOrUndefined<WebhookConfiguration>(client, hooksPath(virtualNode), signal) : undefined,
  };
}

/** Waits until a provider that was installed serves its virtual nodes. @throws NodelessError NotReady saying what is missing */
export async function rolledOut(rollout: Rollout, wait: Wait): Promise<void> {
  await untilClear(wait, async () => {
    const left = missing(await look(rollout, wait.signal));
    return left.length === 0 ? undefined : left.join('; ');
  });
}
