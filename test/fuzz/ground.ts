import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kubeletRequest } from '../../providers/simulated/certificate-request.ts';
import { cellFolder } from '../support/cells.ts';
import { type ClusterTools, toolsOf } from '../support/kubectl.ts';
import { BUSYBOX_IMAGE, pod } from '../support/objects.ts';
import { eventually } from '../support/wait.ts';
import type { ForbiddenWords, Inhabitant, StolenIdentity, World } from './world.ts';

export const CLUSTER = 'fuzz';
export const VIRTUAL_NODE = 'nodeless';
export const CELL_API_PORT = 8443;
const ATTACKERS_NAMESPACE = 'fuzz-attackers';
const AGENT_NAMESPACE = 'kube-system';

/** Who is on cells: victims in a namespace of their own and in the attackers', attackers, a flooder, an honest one. */
export interface Ground {
  readonly tools: ClusterTools;
  readonly agent: Omit<Inhabitant, 'cellId' | 'address'>;
  readonly victims: readonly Inhabitant[];
  readonly honest: World;
  readonly attackers: readonly World[];
  readonly flooder: World;
}

interface Planned {
  readonly namespace: string;
  readonly name: string;
  readonly canaries: Readonly<Record<'secret' | 'configMap' | 'env' | 'label' | 'annotation', string>>;
}

function canary(): string {
  return `canary${randomBytes(12).toString('hex')}`;
}

function plan(role: string, namespace: string): Planned {
  const canaries = { secret: canary(), configMap: canary(), env: canary(), label: canary(), annotation: canary() };
  return { namespace, name: `${role}-${randomBytes(4).toString('hex')}`, canaries };
}

/** A pod, or the DaemonSet whose pod is on every cell, and what it refers to. */
function objectsOf({ namespace, name, canaries }: Planned, kind: 'Pod' | 'DaemonSet' = 'Pod'): object[] {
  const metadata = { namespace };
  const inhabitant = pod(name, {
    image: BUSYBOX_IMAGE,
    metadata: { ...metadata, labels: { word: canaries.label }, annotations: { word: canaries.annotation } },
    spec: {
      serviceAccountName: `account-${name}`,
      volumes: [{ name: 'config', configMap: { name: `config-${name}` } }],
    },
    container: {
      volumeMounts: [{ name: 'config', mountPath: '/config' }],
      env: [
        { name: 'PLAIN', value: canaries.env },
        { name: 'SECRET', valueFrom: { secretKeyRef: { name: `secret-${name}`, key: 'word' } } },
      ],
    },
  }) as { spec: object };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { ...metadata, name: `account-${name}` } },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { ...metadata, name: `secret-${name}` },
      stringData: { word: canaries.secret },
    },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...metadata, name: `config-${name}` },
      data: { word: canaries.configMap },
    },
    kind === 'Pod' ? inhabitant : agentOf(name, inhabitant),
  ];
}

/** The host's network shows each cell's own address in its status, and in no other cell's. */
function agentOf(name: string, { spec }: { readonly spec: object }): object {
  const labels = { agent: name };
  const annotations = { 'nodeless.io/daemonset-policy': 'inject' };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { namespace: AGENT_NAMESPACE, name, annotations },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { ...spec, hostNetwork: true } },
    },
  };
}

interface AgentPod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: { readonly conditions?: readonly { readonly message?: string }[] };
}

interface Pod {
  readonly metadata: { readonly uid: string; readonly annotations: Readonly<Record<string, string>> };
  readonly status: { readonly hostIP: string; readonly podIP: string };
}

/** The names of what an inhabitant has. */
function belongingsOf({ namespace, name }: Planned) {
  return { namespace, secret: `secret-${name}`, configMap: `config-${name}`, serviceAccount: `account-${name}` };
}

/** Waits until the agent is on all cells. */
async function agentIn({ get }: ClusterTools, planned: Planned, cells: number): Promise<Ground['agent']> {
  const found = await eventually(`the agent is on ${cells} cells`, async () => {
    const { items } = await get<{ items: AgentPod[] }>('pods', '-n', AGENT_NAMESPACE, '-l', `agent=${planned.name}`);
    const told = items[0]?.status.conditions?.map(({ message }) => message).join() ?? '';
    return told.includes(`Ready on ${cells} of ${cells} cells`) ? items[0] : undefined;
  });
  return { ...belongingsOf(planned), pod: found.metadata.name, podUid: found.metadata.uid };
}

async function inhabitantOf({ get }: ClusterTools, planned: Planned): Promise<Inhabitant & { podIp: string }> {
  const { namespace, name } = planned;
  const { metadata, status } = await get<Pod>('pod', name, '-n', namespace);
  return {
    ...belongingsOf(planned),
    pod: name,
    podUid: metadata.uid,
    cellId: metadata.annotations['nodeless.io/cell'] ?? '',
    address: status.hostIP,
    podIp: status.podIP,
  };
}

async function stolenFrom(cellId: string): Promise<StolenIdentity> {
  const folder = cellFolder(CLUSTER, cellId);
  const files = await readdir(folder, { recursive: true });
  const read = (end: string) => readFile(join(folder, files.find((file) => file.endsWith(end)) ?? ''), 'utf8');
  return { caPem: await read('ca.crt'), pairPem: await read('kubelet-client-current.pem') };
}

/** What nobody but a victim may see of it, in the encodings of Kubernetes' JSON. */
async function secretsOf({ kubectl }: ClusterTools, planned: Planned): Promise<readonly string[]> {
  const { canaries, namespace, name } = planned;
  const file = '/var/run/secrets/kubernetes.io/serviceaccount/token';
  const token = await kubectl('exec', '-n', namespace, name, '--', 'cat', file);
  const plain = Object.values(canaries);
  return [
    ...plain,
    ...plain.map((word) => Buffer.from(word).toString('base64').replace(/=+$/, '')),
    token.split('.')[2] ?? '',
  ];
}

/** The middle of a certificate as a signing request's status holds it: base64 of PEM. */
function certificateWord({ pairPem }: StolenIdentity): string {
  return Buffer.from(pairPem.slice(0, pairPem.indexOf('-----END')))
    .toString('base64')
    .slice(400, 480);
}

async function createAll(tools: ClusterTools, planned: readonly Planned[]): Promise<void> {
  const namespaces = [...new Set(planned.map(({ namespace }) => namespace))];
  await tools.apply(...namespaces.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })));
  await tools.apply(...planned.flatMap((one) => objectsOf(one)));
  for (const { name, namespace } of planned) {
    await tools.kubectl('wait', '-n', namespace, `pod/${name}`, '--for=condition=Ready', '--timeout=120s');
  }
}

/** Puts everybody on cells, and steals the attackers' identities from their disks. */
export async function prepareGround(host: string): Promise<Ground> {
  const tools = toolsOf(CLUSTER);
  const victimPlans = [plan('victim', 'fuzz-victim'), plan('neighbour', ATTACKERS_NAMESPACE)];
  const attackerPlans = Array.from({ length: 3 }, () => plan('attacker', ATTACKERS_NAMESPACE));
  const flooderPlan = plan('flooder', ATTACKERS_NAMESPACE);
  const honestPlan = plan('honest', 'fuzz-honest');
  const plans = [...victimPlans, ...attackerPlans, flooderPlan, honestPlan];
  const agentPlan = plan('agent', AGENT_NAMESPACE);
  await tools.apply(...objectsOf(agentPlan, 'DaemonSet'));
  await createAll(tools, plans);
  const agent = await agentIn(tools, agentPlan, plans.length);

  const victims = await Promise.all([...victimPlans, honestPlan].map((planned) => inhabitantOf(tools, planned)));
  const identities = await Promise.all(victims.map(({ cellId }) => stolenFrom(cellId)));
  const secrets = await Promise.all([...victimPlans, honestPlan].map((planned) => secretsOf(tools, planned)));
  const forbidden: ForbiddenWords = {
    secrets: [...secrets.flat(), ...identities.map(certificateWord)].filter((word) => word !== ''),
    // An address in quotes, since another's may begin with it.
    names: victims.flatMap(({ pod: name, podUid, cellId, address, podIp }) => [
      name,
      podUid,
      cellId,
      `"${address}"`,
      `"${podIp}"`,
    ]),
  };
  const requests = await Promise.all([VIRTUAL_NODE, 'other'].map(kubeletRequest));
  const signingRequests = requests.map(({ requestPem }) => requestPem);
  const worldOf = async (planned: Planned): Promise<World> => {
    const own = await inhabitantOf(tools, planned);
    const identity = await stolenFrom(own.cellId);
    const { cellId, address } = own;
    const inhabitants = { own, agent: { ...agent, cellId, address }, victims };
    return {
      host,
      port: CELL_API_PORT,
      virtualNode: VIRTUAL_NODE,
      identity,
      ...inhabitants,
      signingRequests,
      forbidden,
    };
  };
  return {
    tools,
    agent,
    victims,
    honest: await worldOf(honestPlan),
    attackers: await Promise.all(attackerPlans.map(worldOf)),
    flooder: await worldOf(flooderPlan),
  };
}
