import { type Looking, leadersOf } from '../../install/leaders.ts';
import { deploymentPath, installed, survey } from '../../install/survey.ts';
import { getOrUndefined } from '../../kube/calls.ts';
import { hasCondition, type KubeObject } from '../../kube/objects.ts';
import { columns } from '../columns.ts';

interface Cell extends KubeObject {
  readonly status?: { readonly phase?: string; readonly pricePerHourUsd?: string };
}

interface Deployment extends KubeObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly readyReplicas?: number };
}

/** How a virtual node stands. */
export interface NodeStanding {
  readonly name: string;
  readonly isReady: boolean;
  readonly address: string;
  readonly version: string;
}

/** How an installation stands. */
export interface Standing {
  readonly virtualNode: string;
  readonly namespace: string;
  readonly nodes: readonly NodeStanding[];
  /** Who leads a node of it now. */
  readonly leaders: readonly string[];
  /** Of a provider in the cluster. */
  readonly replicas?: { readonly ready: number; readonly wanted: number };
  /** How many pods there are but DaemonSets'. */
  readonly pods: number;
  /** How many cells there are, by phase. */
  readonly cells: Readonly<Record<string, number>>;
  readonly isHealthy: boolean;
}

interface NodeObject extends KubeObject {
  readonly status?: {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    readonly nodeInfo?: { readonly kubeletVersion?: string };
  };
}

function nodeStanding(name: string, node: NodeObject | undefined): NodeStanding {
  return {
    name,
    isReady: hasCondition(node, 'Ready'),
    address: node?.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '',
    version: node?.status?.nodeInfo?.kubeletVersion ?? '',
  };
}

function byPhase(cells: readonly Cell[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { status } of cells) counts[status?.phase ?? 'unknown'] = (counts[status?.phase ?? 'unknown'] ?? 0) + 1;
  return counts;
}

async function standingOf(looking: Looking, virtualNode: string): Promise<Standing> {
  const { client, namespace } = looking;
  const found = await survey(client, { virtualNode, namespace });
  const leaders = (await leadersOf(looking, found.nodes)).filter((leader) => leader !== undefined);
  const nodes = await Promise.all(
    found.nodes.map(async (name) =>
      nodeStanding(name, await getOrUndefined<NodeObject>(client, `/api/v1/nodes/${name}`)),
    ),
  );
  const deployment = await getOrUndefined<Deployment>(client, deploymentPath(namespace, virtualNode));
  const { pods } = found;
  const cells = byPhase(found.cells as readonly Cell[]);
  const isLed = nodes.length > 0 && nodes.every(({ isReady }) => isReady) && leaders.length === nodes.length;
  const replicas = deployment && {
    ready: deployment.status?.readyReplicas ?? 0,
    wanted: deployment.spec?.replicas ?? 0,
  };
  return {
    ...{ virtualNode, namespace, nodes, leaders, cells, pods: pods.length },
    ...(replicas === undefined ? {} : { replicas }),
    isHealthy: isLed && (replicas === undefined || replicas.ready >= replicas.wanted),
  };
}

/** How every virtual node of a cluster stands. */
export async function standings(looking: Omit<Looking, 'namespace'>): Promise<readonly Standing[]> {
  const all = await installed(looking.client);
  return Promise.all([...all].map(([virtualNode, namespace]) => standingOf({ ...looking, namespace }, virtualNode)));
}

function wordsOf({ replicas, leaders, cells, pods, namespace }: Standing): readonly string[] {
  const phases = Object.entries(cells).map(([phase, count]) => `${count} ${phase}`);
  return [
    `provider: ${replicas === undefined ? 'outside of the cluster' : `${replicas.ready} of ${replicas.wanted} replicas ready in ${namespace}`}`,
    `leader: ${leaders.length === 0 ? 'none' : [...new Set(leaders)].join(', ')}`,
    `pods: ${pods}; cells: ${phases.length === 0 ? 'none' : phases.join(', ')}`,
  ];
}

/** The standings for people. Pure. */
export function standingsText(all: readonly Standing[]): string {
  if (all.length === 0) return 'no virtual node is installed: nodeless install does it\n';
  const blocks = all.map((standing) => {
    const rows = standing.nodes.map(({ name, isReady, address, version }) => [
      name,
      isReady ? 'Ready' : 'NotReady',
      address,
      version,
    ]);
    return [...columns([['NODE', 'STATUS', 'ADDRESS', 'KUBELETS'], ...rows]), ...wordsOf(standing)].join('\n');
  });
  return `${blocks.join('\n\n')}\n`;
}
