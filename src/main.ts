import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import type { CellProvider } from '../providers/contract.ts';
import { type Authority, loadOrCreateAuthority } from './cell-api/authority/load.ts';
import { followProviderClient } from './cell-api/authority/provider-client.ts';
import { createCellApi } from './cell-api/server.ts';
import { adopt } from './cells/adopt.ts';
import { Book } from './cells/book.ts';
import { boundedProvider } from './cells/bounded-provider.ts';
import type { Cell } from './cells/cell.ts';
import { Census } from './cells/census.ts';
import { directoryOf, kubeletOf } from './cells/directory.ts';
import { Fleet } from './cells/fleet.ts';
import { watchHealth } from './cells/health.ts';
import { watchIdle } from './cells/idle.ts';
import { startProjection } from './cells/projection.ts';
import { podNamesCell } from './cells/reason.ts';
import type { Config } from './config/schema.ts';
import { type Clock, systemClock, systemUptimeMs } from './core/clock.ts';
import { messageOf } from './core/errors.ts';
import { GROUP, NODE_GROUPS, nodeUser, VERSION, VIRTUAL_NODE_LABEL } from './core/names.ts';
import { call } from './kube/calls.ts';
import { createKubeClient, type KubeClient } from './kube/client.ts';
import { startCollection } from './kube/collection.ts';
import { EventRecorder } from './kube/events.ts';
import { fenced } from './kube/fenced-client.ts';
import { becomeLeader, type Leadership } from './kube/leadership.ts';
import { NetworkPolicyIndex } from './kube/network-policy-index.ts';
import { hasCondition, type KubeObject } from './kube/objects.ts';
import { replicaIdentity } from './kube/replica-identity.ts';
import { until } from './kube/until.ts';
import type { WirePod } from './kube/wire-pod.ts';
import { createCellClient } from './kubelet-endpoint/cell-client.ts';
import { podEvidence } from './kubelet-endpoint/pod-evidence.ts';
import { createKubeletEndpoint } from './kubelet-endpoint/server.ts';
import { BUILT_IN_CLASS, CellClasses } from './placement/cell-classes.ts';
import { placeOf as placeByPolicy } from './placement/place.ts';
import { Placement } from './placement/placement.ts';
import { Assignment } from './pods/assignment.ts';
import { PodController } from './pods/controller.ts';
import { watchExpiry } from './pods/expiry.ts';
import { NodePods } from './pods/node-pods.ts';
import { Places } from './pods/places.ts';
import { bindingOf } from './pods/pod-view.ts';
import { Readiness } from './pods/restore-ready.ts';
import { PodWriter } from './pods/status.ts';
import { PodSteps } from './pods/steps.ts';
import { chooseProvider, type ProviderChoice } from './provider-choice.ts';
import { type SharedCollections, startShared } from './shared-collections.ts';
import { keepNodeLease } from './virtual-node/node-lease.ts';
import { specOf } from './virtual-node/node-spec.ts';
import { runVirtualNode } from './virtual-node/virtual-node.ts';
import { serveWebhooks } from './webhook-service.ts';

export interface ProviderProcess {
  readonly config: Config;
  readonly kubeConfig: KubeConfig;
  readonly logger: Logger;
  /** Ends the process's work; cells go on. */
  readonly signal: AbortSignal;
  /** Makes the cloud; the one that the configuration names unless given. */
  readonly chooseProvider?: (choice: ProviderChoice) => Promise<CellProvider>;
}

/** What a leadership stands on. */
interface Base extends ProviderProcess {
  readonly clock: Clock;
  readonly client: KubeClient;
  readonly nodeClient: KubeClient;
  readonly provider: CellProvider;
  readonly authority: Authority;
  readonly clusterUid: string;
  readonly shared: SharedCollections;
  readonly policies: NetworkPolicyIndex;
  readonly leadership: Leadership;
}

const CONTROLLER_CONCURRENCY = 32;
const KUBELET_CONNECT_TIMEOUT_MS = 5_000;
/** How long pods wait silently for the CellClasses to be known. */
const CLASSES_SYNC_MS = 5_000;
const STOP_DEADLINE_MS = 15_000;

/** `nodeless run`: waits to lead, leads until the lease or the process ends, and waits again. */
export async function runProvider(process: ProviderProcess): Promise<void> {
  const { config, kubeConfig, logger } = process;
  const ended = new AbortController();
  const signal = AbortSignal.any([process.signal, ended.signal]);
  const { name } = config.virtualNode;
  const { namespace } = config.cluster;
  const clock = systemClock;
  const retry = { clock, logger, signal };
  const replica = await replicaIdentity();
  const client = await createKubeClient(kubeConfig, clock, replica.identity);
  const nodeClient = client.as({ user: nodeUser(name), groups: NODE_GROUPS });
  const cleanup: (() => Promise<void>)[] = [() => client.close()];
  let failure: unknown;
  try {
    const clusterUid = await until('the cluster can be read', () => readClusterUid(client, signal), retry);
    const shared = startShared({ client, clock, logger }, signal);
    const policies = new NetworkPolicyIndex(shared.networkPolicies);
    if (config.webhook.enabled) {
      const serving = serveWebhooks({ config, clusterUid, client, nodeClient, shared, clock, logger }, signal);
      const served = serving.catch((error: unknown) => {
        failure = error;
        ended.abort(error);
      });
      cleanup.push(() => served);
    }
    // First of all: a cloud that is slow to answer must not make the node NotReady.
    void keepNodeLease({ name, nodeClient, clock, logger }, signal);
    const owner = { clusterUid, virtualNode: name };
    const choose = process.chooseProvider ?? chooseProvider;
    const provider = boundedProvider(await choose({ config, owner, ...retry }));
    cleanup.push(() => provider.stop());
    await provider.start(signal);
    const read = () => loadOrCreateAuthority({ client, namespace, clock, signal });
    const authority = await until('the authority can be read', read, retry);
    while (!signal.aborted) {
      const lease = { namespace, name: `nodeless-${name}`, ...replica };
      const leadership = await becomeLeader({ client, ...lease, clock, uptimeMs: systemUptimeMs, logger }, signal);
      const { heldForMs } = leadership;
      const writers = { client: fenced(client, heldForMs), nodeClient: fenced(nodeClient, heldForMs) };
      const base = { ...process, ...writers, clock, provider, authority, clusterUid, shared, policies, leadership };
      await lead(base).finally(() => leadership.release());
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    ended.abort();
    for (const step of cleanup.reverse()) await step();
  }
  if (failure !== undefined) throw failure;
}

async function readClusterUid(client: KubeClient, signal: AbortSignal): Promise<string> {
  const namespace = await call<KubeObject>(client, { method: 'GET', path: '/api/v1/namespaces/kube-system', signal });
  return namespace.metadata.uid ?? '';
}

/** Leads until the signal aborts. Whatever is started here ends with it; a failure to start is thrown. */
async function lead(base: Base): Promise<void> {
  const { signal: leading } = base.leadership;
  const failed = new AbortController();
  const signal = AbortSignal.any([leading, failed.signal]);
  const stops: (() => Promise<void>)[] = [];
  try {
    await startLeading(base, signal, stops);
    await new Promise((resolve) => {
      if (signal.aborted) resolve(undefined);
      signal.addEventListener('abort', resolve, { once: true });
    });
  } catch (error) {
    if (!leading.aborted) throw error;
  } finally {
    failed.abort();
    await stopAll(stops, base);
  }
}

/** Ends what a leadership has started, in turn. What does not end in time is left, so that this replica can lead again. */
async function stopAll(stops: readonly (() => Promise<void>)[], { clock, logger }: Base): Promise<void> {
  for (const stop of stops.toReversed()) {
    const waiting = new AbortController();
    const late = clock.sleep(STOP_DEADLINE_MS, waiting.signal).then(
      () => logger.error('a part of what this replica led with does not end; it is left'),
      () => undefined,
    );
    await Promise.race([stop(), late]);
    waiting.abort();
  }
}

async function startLeading(base: Base, signal: AbortSignal, stops: (() => Promise<void>)[]): Promise<void> {
  const { config, clock, logger, client, nodeClient, provider, clusterUid, authority } = base;
  const { name, address } = config.virtualNode;
  const registry = new Registry();
  const book = new Book(clock);
  const bootstrap = {
    cellApiUrl: `https://${config.cellApi.advertise ?? address}:${config.cellApi.port}`,
    caPem: authority.caPem,
    nodeName: name,
    clusterDns: config.cluster.dns,
    clusterDomain: config.cluster.domain,
  };
  const { concurrency } = config.cells;
  const mayAct = () => base.leadership.isHeld();
  const fleet = new Fleet({ provider, book, clusterUid, bootstrap, clock, logger, concurrency, mayAct });
  fleet.start(signal);

  const ofNode = { fieldSelector: `spec.nodeName=${name}` };
  const byName = { fieldSelector: `metadata.name=${name}` };
  const byLabel = { labelSelector: `${VIRTUAL_NODE_LABEL}=${name}` };
  const source = { client: nodeClient, clock, logger };
  // The node first: neither a cloud nor a port that is not there may make it NotReady.
  const nodes = startCollection<KubeObject>({ ...source, path: '/api/v1/nodes', query: byName }, signal);
  void runVirtualNode({ spec: specOf(config, clusterUid), client, nodeClient, nodes, clock, logger }, signal);
  // The cloud is listed before the cluster: a machine in the list has had its pod annotated before.
  const machines = await until('the cloud can be listed', () => provider.list(signal), { clock, logger, signal });
  const pods = startCollection<WirePod>({ ...source, path: '/api/v1/pods', query: ofNode }, signal);
  const cellPath = `/apis/${GROUP}/${VERSION}/cells`;
  const cellObjects = startCollection<KubeObject>({ ...source, client, path: cellPath, query: byLabel }, signal);
  const { cellClasses, namespaces, daemonSets, networkPolicies } = base.shared;

  const cellApi = createCellApi({
    virtualNode: name,
    host: config.cellApi.host,
    port: config.cellApi.port,
    servingHosts: [config.cellApi.advertise ?? address],
    authority,
    book,
    reports: book,
    collections: { pods, nodes },
    client,
    nodeClient,
    attest: (evidence, attestSignal) => provider.attest(evidence, attestSignal),
    onTokenReuse: ({ cellId }) => book.distrust(cellId),
    registry,
    logger,
    clock,
  });
  stops.push(() => cellApi.stop());
  await cellApi.start(signal);

  const signerName = config.kubeletEndpoint.signer;
  const upstream = await followProviderClient(authority, { clock, logger }, signal);
  const cellClient = createCellClient(upstream, KUBELET_CONNECT_TIMEOUT_MS);
  stops.push(async () => cellClient.close());
  const endpoint = createKubeletEndpoint({
    nodeName: name,
    host: config.kubeletEndpoint.host,
    port: config.kubeletEndpoint.port,
    addresses: [address],
    cells: directoryOf(book, pods),
    cellClient,
    client,
    pods,
    certificate: config.kubeletEndpoint.selfSigned
      ? { from: 'self-signed' }
      : { from: 'signer', signerName, approval: config.kubeletEndpoint.approval, nodeClient },
    registry,
    logger,
    clock,
  });
  stops.push(() => endpoint.stop());
  await endpoint.start(signal);

  await Promise.race([pods.whenSynced, aborted(signal)]);
  signal.throwIfAborted();
  const adopted = adopt(book, machines, [...pods.items()].map(bindingOf));
  book.markComplete();
  logger.info({ node: name, pods: pods.size, cells: adopted, provider: provider.name }, 'the virtual node is served');

  const events = new EventRecorder({ client, component: 'nodeless', host: name, clock, logger }, signal);
  const classes = new CellClasses({ classes: cellClasses, namespaces });
  const placement = new Placement({
    provider,
    classes,
    daemonSets,
    policies: base.policies,
    clock,
    defaultSize: config.cells.defaultSize,
    csiDrivers: config.routing.csiDrivers,
    arch: specOf(config, clusterUid).arch,
    onOfferingsFailed: (error) => logger.warn({ reason: messageOf(error) }, 'the offerings can not be read'),
  });
  for (const { cellId, machine } of book.cells()) {
    placement.hold(cellId, machine?.tags.cellClass ?? BUILT_IN_CLASS, machine?.pricePerHourUsd ?? 0);
  }
  book.onChange(({ cellId }) => book.get(cellId) === undefined && placement.release(cellId));
  const writer = new PodWriter(nodeClient, clock);
  const evidenceOf = async (cell: Cell, podUid: string, ask: AbortSignal) => {
    const kubelet = kubeletOf(cell);
    return kubelet && podEvidence(cellClient, kubelet, podUid, ask);
  };
  const readiness = new Readiness({ evidenceOf, clock, logger });
  const { statefulPlacement, csiDrivers } = config.routing;
  const placeRules = {
    daemonSet: (namespace: string, of: string) => daemonSets.get(namespace, of),
    ...(statefulPlacement === 'node-cell'
      ? { nodeCell: { namespace: (of: string) => namespaces.get(undefined, of), csiDrivers } }
      : {}),
  };
  const placeOf = (pod: WirePod) => placeByPolicy(pod, placeRules);
  const nodePods = new NodePods();
  const { gather: gatherMs, nodeCell } = config.cells;
  const places = new Places({ book, fleet, placement, writer, events });
  const assigning = { book, places, placement, placeOf, pods: nodePods, writer, events, clock };
  const assignment = new Assignment({ ...assigning, gatherMs, nodeCellSize: nodeCell.size });
  const controller = new PodController({
    pods,
    nodePods,
    placeOf,
    assignment,
    book,
    fleet,
    steps: new PodSteps({ book, fleet, placement, assignment, writer, events, readiness, clock, logger }),
    clock,
    logger,
    launchTimeoutMs: config.cells.launchTimeout,
    completedLingerMs: config.cells.completedLinger,
    concurrency: CONTROLLER_CONCURRENCY,
    mayAct,
    nodeIsReady: () => hasCondition(nodes.get(undefined, name), 'Ready'),
  });
  // Without them no pod can be placed; where their definition is missing, pods are told so instead of nobody.
  const classesKnown = Promise.all(
    [cellClasses, namespaces, daemonSets, networkPolicies].map(({ whenSynced }) => whenSynced),
  );
  await Promise.race([classesKnown, clock.sleep(CLASSES_SYNC_MS, signal)]);
  type Concerns = (pod: WirePod, changed: KubeObject['metadata']) => boolean;
  const wakeAt = (collection: Pick<typeof namespaces, 'subscribe'>, concerns: Concerns) => {
    const wake = ({ metadata }: KubeObject) => controller.wakeWaiting((pod) => concerns(pod, metadata));
    const unsubscribe = collection.subscribe(({ object }) => wake(object));
    stops.push(async () => unsubscribe());
  };
  wakeAt(cellClasses, (pod, { name: changed }) => classes.mayHave(pod, changed));
  wakeAt(namespaces, ({ metadata }, { name: changed }) => metadata.namespace === changed);
  wakeAt(networkPolicies, ({ metadata }, { namespace }) => metadata.namespace === namespace);
  controller.start(signal);
  const census = new Census({
    provider,
    book,
    fleet,
    clock,
    logger,
    intervalMs: config.cells.censusEvery,
    orphanAfterMs: config.cells.orphanAfter,
    hasReason: ({ tags }) => podNamesCell(nodeClient, tags, bindingOf, signal),
    mayAct,
    onGone: (cell, reason) => book.enter(cell, 'lost', reason),
  });
  void census.run(signal);
  const classOf = ({ cellClass, machine }: Cell) => classes.named(cellClass?.name ?? machine?.tags.cellClass ?? '');
  const limitMsOf = (cell: Cell) => classOf(cell)?.spec.expireAfter;
  void watchExpiry({ book, pods: nodePods, writer, events, limitMsOf, clock, mayAct, logger }, signal);
  void watchIdle({ book, fleet, clock, lingerMs: nodeCell.linger, mayAct }, signal);
  const onSilent = (cell: Cell) => void fleet.lose(cell, 'its kubelet is silent');
  void watchHealth({ book, clock, silentAfterMs: config.cells.silentAfter, mayAct, onSilent, logger }, signal);
  const onDeleted = (cell: Cell) => void fleet.lose(cell, 'somebody deleted its Cell object');
  startProjection({ client, book, objects: cellObjects, virtualNode: name, clock, logger, onDeleted }, signal);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
