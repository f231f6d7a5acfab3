import type { ClusterTools } from '../support/kubectl.ts';
import type { Inhabitant } from './world.ts';

type Agent = Pick<Inhabitant, 'namespace' | 'pod' | 'secret'>;
type KubeObject = { metadata: Record<string, unknown>; status?: unknown };

/** The objects of the victims as the API server has them. */
export type Snapshot = ReadonlyMap<string, string>;

/** Without what their own kubelets go on writing: a status is compared as far as it tells of a restart. */
function comparable({ metadata, status, ...rest }: KubeObject): string {
  const { managedFields: _fields, resourceVersion, ...names } = metadata;
  const { podIP, containerStatuses, phase, conditions } = (status ?? {}) as {
    podIP?: string;
    phase?: string;
    containerStatuses?: { restartCount: number; containerID: string; ready: boolean }[];
    conditions?: { type: string; status: string }[];
  };
  const containers = containerStatuses?.map(({ restartCount, containerID, ready }) => [
    restartCount,
    containerID,
    ready,
  ]);
  const told = conditions?.map((condition) => `${condition.type}=${condition.status}`).sort();
  const version = status === undefined ? resourceVersion : undefined;
  return JSON.stringify({ ...rest, names, version, podIP, phase, containers, told });
}

/** What of an agent no cell may change: its status is the sum of what they tell. */
async function agentIn({ get }: ClusterTools, { namespace, pod, secret }: Agent): Promise<Snapshot> {
  const found = new Map<string, string>();
  for (const name of [`pod/${pod}`, `secret/${secret}`]) {
    const { status: _status, ...rest } = await get<KubeObject>(name, '-n', namespace);
    const { resourceVersion: _version, ...metadata } = rest.metadata;
    found.set(`${namespace}/${name}`, comparable({ ...rest, metadata }));
  }
  return found;
}

/** Reads everything of the victims, and of the agent that is on all cells, through the API server. */
export async function snapshotOf(tools: ClusterTools, victims: readonly Inhabitant[], agent: Agent): Promise<Snapshot> {
  const { get } = tools;
  const found = new Map(await agentIn(tools, agent));
  for (const { namespace, pod, secret, configMap, serviceAccount } of victims) {
    for (const name of [
      `pod/${pod}`,
      `secret/${secret}`,
      `configmap/${configMap}`,
      `serviceaccount/${serviceAccount}`,
    ]) {
      found.set(`${namespace}/${name}`, comparable(await get<KubeObject>(name, '-n', namespace)));
    }
  }
  return found;
}

/** What has become different of the victims, and whether they are still themselves to `kubectl exec`. */
export async function harmDone(
  tools: ClusterTools,
  { victims, agent }: { readonly victims: readonly Inhabitant[]; readonly agent: Agent },
  before: Snapshot,
): Promise<readonly string[]> {
  const after = await snapshotOf(tools, victims, agent).catch((error: Error) => error);
  if (after instanceof Error) return [`a victim can't be read any more: ${after.message}`];
  const harm: string[] = [];
  for (const [name, was] of before)
    if (after.get(name) !== was) harm.push(`${name} was ${was} and is ${after.get(name)}`);
  for (const { namespace, pod } of victims) {
    const { exitCode, stdout, stderr } = await tools.tryKubectl('exec', '-n', namespace, pod, '--', 'echo', 'alive');
    if (exitCode !== 0 || stdout !== 'alive') harm.push(`kubectl exec ${pod}: ${stderr || stdout}`);
    const events = await tools.kubectl('get', 'events', '-n', namespace, '-o', 'jsonpath={.items[*].reason}');
    if (events.includes('Fuzz') && !namespace.includes('attackers')) {
      harm.push(`an attacker's event is in ${namespace}`);
    }
  }
  return harm;
}
