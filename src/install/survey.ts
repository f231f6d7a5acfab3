import {
  CELL_ANNOTATION,
  CELLS_PATH,
  GROUP,
  MADE_LABEL,
  VERSION,
  VIRTUAL_NODE_LABEL,
  workloadName,
} from '../core/names.ts';
import { call, getOrUndefined, isStatus } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/objects.ts';
import { nodesOf } from './undoing.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const ROLE_PREFIX = 'nodeless:';

interface Pod extends KubeObject {
  readonly status?: { readonly phase?: string };
}

/** Where the API server keeps a provider that was installed. */
export function deploymentPath(namespace: string, virtualNode: string): string {
  return `/apis/apps/v1/namespaces/${namespace}/deployments/${workloadName(virtualNode)}`;
}

/** Where the API server keeps the webhooks of a virtual node: those that change pods, or those that check objects. */
export function hooksPath(virtualNode: string, kind: 'mutating' | 'validating' = 'mutating'): string {
  return `/apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations/${virtualNode}.nodeless.io`;
}

/** What there is of an installation in a cluster, and what depends on it. */
export interface Survey {
  /** Names of its virtual nodes, as they were granted or are there. */
  readonly nodes: readonly string[];
  /** Pods on them that an eviction moves elsewhere: all but DaemonSets' and those that have ended. */
  readonly pods: readonly KubeObject[];
  /** Pods of DaemonSets on them that have a cell: while they are there, they get another. */
  readonly holders: readonly KubeObject[];
  readonly cells: readonly KubeObject[];
  readonly hasDeployment: boolean;
  /** The provider's namespace: made by `nodeless install`, by somebody else, or not there. */
  readonly namespaceIs: 'made' | 'foreign' | 'gone';
  /** Whether anything of it is there, were it only what an interrupted uninstallation has left. */
  readonly isInstalled: boolean;
  /** Other virtual nodes that are installed, by the namespace of their provider. */
  readonly others: Readonly<Record<string, string>>;
  readonly cellClasses: readonly string[];
}

/** The objects of a kind; none where its definition is gone. */
async function listed<T extends KubeObject>(
  client: KubeClient,
  path: string,
  query: Readonly<Record<string, string>> = {},
): Promise<readonly T[]> {
  const none = { items: [] as readonly T[] };
  const found = await call<{ items: readonly T[] }>(client, { method: 'GET', path, query }).catch((error: unknown) => {
    if (isStatus(error, 404)) return none;
    throw error;
  });
  return found.items;
}

function isOfDaemonSet({ metadata }: KubeObject): boolean {
  const owners = (metadata.ownerReferences ?? []) as readonly { readonly kind: string }[];
  return owners.some(({ kind }) => kind === 'DaemonSet');
}

interface Binding extends KubeObject {
  readonly subjects?: readonly { readonly namespace?: string }[];
}

/** Virtual nodes that are installed, with the namespace of their provider: those that a role lets it be. */
export async function installed(client: KubeClient): Promise<ReadonlyMap<string, string>> {
  const bindings = await listed<Binding>(client, `${RBAC}/clusterrolebindings`);
  const namespaces = new Map(bindings.map(({ metadata, subjects }) => [metadata.name, subjects?.[0]?.namespace ?? '']));
  const roles = await listed(client, `${RBAC}/clusterroles`);
  return new Map(
    roles
      .filter((role) => role.metadata.name.startsWith(ROLE_PREFIX) && nodesOf(role).length > 0)
      .map(({ metadata: { name } }) => [name.slice(ROLE_PREFIX.length), namespaces.get(name) ?? '']),
  );
}

/** Whether a provider's namespace is one that `nodeless install` has made. */
export function whoseIs(namespace: KubeObject | undefined): Survey['namespaceIs'] {
  if (namespace === undefined) return 'gone';
  return namespace.metadata.labels?.[MADE_LABEL] === undefined ? 'foreign' : 'made';
}

/** Pods on virtual nodes that have not ended, as a survey has them. */
export async function podsOn(client: KubeClient, nodes: readonly string[]): Promise<Pick<Survey, 'pods' | 'holders'>> {
  const onNodes = await Promise.all(
    nodes.map((node) => listed<Pod>(client, '/api/v1/pods', { fieldSelector: `spec.nodeName=${node}` })),
  );
  const pods = onNodes.flat().filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed');
  return {
    pods: pods.filter((pod) => !isOfDaemonSet(pod)),
    holders: pods.filter((pod) => isOfDaemonSet(pod) && pod.metadata.annotations?.[CELL_ANNOTATION] !== undefined),
  };
}

/** The cells of a virtual node, or of all its zones. */
export function cellsOf(client: KubeClient, virtualNode: string): Promise<readonly KubeObject[]> {
  return listed(client, CELLS_PATH, { labelSelector: `${VIRTUAL_NODE_LABEL}=${virtualNode}` });
}

/** Looks at all that an installation consists of. */
export async function survey(
  client: KubeClient,
  { virtualNode, namespace }: { readonly virtualNode: string; readonly namespace: string },
): Promise<Survey> {
  const labelSelector = `${VIRTUAL_NODE_LABEL}=${virtualNode}`;
  const role = await getOrUndefined<KubeObject>(client, `${RBAC}/clusterroles/${ROLE_PREFIX}${virtualNode}`);
  const there = await listed(client, '/api/v1/nodes', { labelSelector });
  const granted = role === undefined ? [] : nodesOf(role);
  const nodes = [...new Set([...granted, ...there.map(({ metadata }) => metadata.name)])];
  const all = await installed(client);
  const others = [...all].filter(([name]) => name !== virtualNode);
  const isThere = async (path: string) => (await getOrUndefined(client, path)) !== undefined;
  const definitions = [`${DEFINITIONS}/cells.${GROUP}`, `${DEFINITIONS}/cellclasses.${GROUP}`];
  const namespaceIs = whoseIs(await getOrUndefined<KubeObject>(client, `/api/v1/namespaces/${namespace}`));
  const left = others.length > 0 ? [] : [namespaceIs === 'made', ...(await Promise.all(definitions.map(isThere)))];
  const classes = await listed(client, `/apis/${GROUP}/${VERSION}/cellclasses`);
  return {
    nodes,
    ...(await podsOn(client, nodes)),
    cells: await cellsOf(client, virtualNode),
    hasDeployment: await isThere(deploymentPath(namespace, virtualNode)),
    namespaceIs,
    isInstalled: role !== undefined || left.includes(true),
    others: Object.fromEntries(others),
    cellClasses: classes.map(({ metadata }) => metadata.name),
  };
}
