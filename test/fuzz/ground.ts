import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kubeletRequest } from '../../providers/simulated/certificate-request.ts';
import { cellFolder } from '../support/cells.ts';
import { type ClusterTools, toolsOf } from '../support/kubectl.ts';
import { eventually } from '../support/wait.ts';
import type { Churned } from './churn.ts';
import { AGENT_NAMESPACE, objectsOf, type Planned, plan, podOf, wordsInTurn } from './inhabitants.ts';
import type { ForbiddenWords, Inhabitant, StolenIdentity, World } from './world.ts';

export const CLUSTER = 'fuzz';
export const VIRTUAL_NODE = 'nodeless';
export const CELL_API_PORT = 8443;
const ATTACKERS_NAMESPACE = 'fuzz-attackers';

/** Who is on cells: victims in a namespace of their own and in the attackers', attackers, a flooder, an honest one. */
export interface Ground {
  readonly tools: ClusterTools;
  readonly agent: Omit<Inhabitant, 'cellId' | 'address'>;
  readonly victims: readonly Inhabitant[];
  readonly honest: World;
  readonly attackers: readonly World[];
  readonly flooder: World;
  /** Keeps watches open. */
  readonly watcher: World;
  /** Victims that change all the time, and the watcher, whose own changes its watches have to tell. */
  readonly churned: readonly Churned[];
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

/** As they come plain, and in a Secret. */
function inEncodings(plain: readonly string[]): readonly string[] {
  return [...plain, ...plain.map((word) => Buffer.from(word).toString('base64').replace(/=+$/, ''))];
}

/** What nobody but a victim may see of it, in the encodings of Kubernetes' JSON. */
async function secretsOf({ kubectl }: ClusterTools, planned: Planned): Promise<readonly string[]> {
  const { canaries, namespace, name } = planned;
  const file = '/var/run/secrets/kubernetes.io/serviceaccount/token';
  const token = await kubectl('exec', '-n', namespace, name, '--', 'cat', file);
  return [...inEncodings(Object.values(canaries)), token.split('.')[2] ?? ''];
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

/** A MiB of what every cell may list. */
const SERVICES = 200;

function serviceOf(index: number): object {
  const metadata = {
    namespace: ATTACKERS_NAMESPACE,
    name: `service-${index}`,
    annotations: { filling: 'x'.repeat(5_000) },
  };
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: 80 }] } };
}

/** Puts everybody on cells, and steals the attackers' identities from their disks. */
export async function prepareGround(host: string): Promise<Ground> {
  const tools = toolsOf(CLUSTER);
  const victimPlans = [plan('victim', 'fuzz-victim'), plan('neighbour', ATTACKERS_NAMESPACE)];
  const attackerPlans = Array.from({ length: 3 }, () => plan('attacker', ATTACKERS_NAMESPACE));
  const flooderPlan = plan('flooder', ATTACKERS_NAMESPACE);
  const honestPlan = plan('honest', 'fuzz-honest');
  const churnedPlans = [plan('changing', 'fuzz-victim'), plan('moving', ATTACKERS_NAMESPACE)];
  const watcherPlan = plan('watcher', ATTACKERS_NAMESPACE);
  const plans = [...victimPlans, ...attackerPlans, flooderPlan, honestPlan, ...churnedPlans, watcherPlan];
  const agentPlan = plan('agent', AGENT_NAMESPACE);
  await tools.apply(...objectsOf(agentPlan, 'DaemonSet'));
  await createAll(tools, plans);
  await tools.apply(...Array.from({ length: SERVICES }, (_, index) => serviceOf(index)));
  const agent = await agentIn(tools, agentPlan, plans.length);

  const victims = await Promise.all([...victimPlans, honestPlan].map((planned) => inhabitantOf(tools, planned)));
  const identities = await Promise.all(victims.map(({ cellId }) => stolenFrom(cellId)));
  const secrets = await Promise.all([...victimPlans, honestPlan].map((planned) => secretsOf(tools, planned)));
  const [changing, moving, churnedWatcher] = await Promise.all(
    [...churnedPlans, watcherPlan].map(async (planned) => ({
      ...(await inhabitantOf(tools, planned)),
      words: wordsInTurn(),
    })),
  );
  if (changing === undefined || moving === undefined || churnedWatcher === undefined) throw new Error('nobody changes');
  const words = [
    ...[changing, moving].flatMap((one) => one.words),
    ...churnedPlans.flatMap(({ canaries }) => Object.values(canaries)),
  ];
  const forbidden: ForbiddenWords = {
    secrets: [...secrets.flat(), ...inEncodings(words), ...identities.map(certificateWord)].filter(
      (word) => word !== '',
    ),
    // An address in quotes, since another's may begin with it.
    names: [
      // What is made again has another uid, cell and address then, and the same name.
      moving.pod,
      ...[...victims, changing].flatMap(({ pod: name, podUid, cellId, address, podIp }) => [
        name,
        podUid,
        cellId,
        `"${address}"`,
        `"${podIp}"`,
      ]),
    ],
  };
  const requests = await Promise.all([VIRTUAL_NODE, 'other'].map(kubeletRequest));
  const signingRequests = requests.map(({ requestPem }) => requestPem);
  const worldOf = async (planned: Planned): Promise<World> => {
    const own = await inhabitantOf(tools, planned);
    const identity = await stolenFrom(own.cellId);
    const { cellId, address } = own;
    const inhabitants = { own, agent: { ...agent, cellId, address }, victims: [...victims, changing, moving] };
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
    watcher: await worldOf(watcherPlan),
    churned: [changing, { ...moving, again: podOf(churnedPlans[1] as Planned) }, churnedWatcher],
  };
}
