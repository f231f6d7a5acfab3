import { Registry } from 'prom-client';
import { followProviderClient } from './cell-api/authority/provider-client.ts';
import { createCellApi } from './cell-api/server.ts';
import { adopt } from './cells/adopt.ts';
import { Book } from './cells/book.ts';
import type { Cell } from './cells/cell.ts';
import { consolesOf } from './cells/consoles.ts';
import { directoryOf } from './cells/directory.ts';
import { Fleet } from './cells/fleet.ts';
import { observeCells } from './cells/metrics.ts';
import { startProjection } from './cells/projection.ts';
import { ZONE_LABEL } from './core/constraints.ts';
import { CELLS_PATH, cellsServiceName, VIRTUAL_NODE_LABEL } from './core/names.ts';
import { startCollection } from './kube/collection.ts';
import type { KubeObject } from './kube/objects.ts';
import { until } from './kube/until.ts';
import type { WirePod } from './kube/wire-pod.ts';
import { createCellClient } from './kubelet-endpoint/cell-client.ts';
import { createKubeletEndpoint } from './kubelet-endpoint/server.ts';
import { servePage } from './page-service.ts';
import { servePods } from './pod-service.ts';
import { observeAlternatives } from './pods/alternative-metrics.ts';
import { showCapacity } from './pods/capacity-metrics.ts';
import { observePods } from './pods/metrics.ts';
import { bindingOf } from './pods/pod-view.ts';
import { showExpiry } from './telemetry/certificate-metrics.ts';
import { showLeadership } from './telemetry/leadership-metrics.ts';
import { Decisions } from './ui/decisions.ts';
import { keepLeaderEndpoint } from './virtual-node/leader-endpoint.ts';
import { specOf } from './virtual-node/node-spec.ts';
import { runVirtualNode } from './virtual-node/virtual-node.ts';
import type { Led } from './virtual-node-service.ts';

const KUBELET_CONNECT_TIMEOUT_MS = 5_000;

/** Starts all that whoever leads a virtual node runs: its Node, its cell API, its kubelet endpoint, and its pods' way to cells. */
export async function startLeading(led: Led, signal: AbortSignal, stops: (() => Promise<void>)[]): Promise<void> {
  const { config, node, clock, logger, client, nodeClient, provider, clusterUid, authority } = led;
  const { name, group, zone } = node;
  const { address } = config.virtualNode;
  const registry = new Registry();
  registry.setDefaultLabels({ virtual_node: name });
  showLeadership(registry, led.leadership.heldForMs);
  const book = new Book(clock);
  const atService = `${cellsServiceName(name)}.${config.cluster.namespace}.svc`;
  const cellApiHost = config.cellApi.advertise ?? (config.cellApi.leaderService ? atService : address);
  const bootstrap = {
    cellApiUrl: `https://${cellApiHost}:${node.cellApiPort}`,
    caPem: authority.caPem,
    nodeName: name,
    clusterDns: config.cluster.dns,
    clusterDomain: config.cluster.domain,
  };
  const { concurrency } = config.cells;
  const mayAct = () => led.leadership.isHeld();
  const fleet = new Fleet({ provider, book, clusterUid, bootstrap, clock, logger, concurrency, mayAct });
  fleet.start(signal);

  const ofNode = { fieldSelector: `spec.nodeName=${name}` };
  const byName = { fieldSelector: `metadata.name=${name}` };
  const labels = { [VIRTUAL_NODE_LABEL]: group, ...(zone === undefined ? {} : { [ZONE_LABEL]: zone }) };
  const byLabels = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const ofCells = { labelSelector: byLabels.join(',') };
  const source = { client: nodeClient, clock, logger };
  // The node first: neither a cloud nor a port that is not there may make it NotReady.
  const nodes = startCollection<KubeObject>({ ...source, path: '/api/v1/nodes', query: byName }, signal);
  const spec = specOf(config, node, clusterUid);
  void runVirtualNode({ spec, client, nodeClient, nodes, clock, logger }, signal);
  // The cloud is listed before the cluster: a machine in the list has had its pod annotated before.
  const machines = await until('the cloud can be listed', () => provider.list(signal), { clock, logger, signal });
  const pods = startCollection<WirePod>({ ...source, path: '/api/v1/pods', query: ofNode }, signal);
  const cellObjects = startCollection<KubeObject>({ ...source, client, path: CELLS_PATH, query: ofCells }, signal);

  const cellApi = createCellApi({
    virtualNode: name,
    host: config.cellApi.host,
    port: node.cellApiPort,
    servingHosts: [...new Set([cellApiHost, ...(config.cellApi.leaderService ? [atService] : [])])],
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
  if (config.cellApi.leaderService) {
    const slice = { namespace: config.cluster.namespace, name: cellsServiceName(name) };
    void keepLeaderEndpoint({ ...slice, address, port: node.cellApiPort, client, clock, logger }, signal);
  }

  const signerName = config.kubeletEndpoint.signer;
  const expiry = showExpiry(registry);
  expiry('cell-authority', authority.caPem);
  const onIssued = (certPem: string) => expiry('provider-client', certPem);
  const upstream = await followProviderClient(authority, { clock, logger, onIssued }, signal);
  const cellClient = createCellClient(upstream, KUBELET_CONNECT_TIMEOUT_MS);
  stops.push(async () => cellClient.close());
  const decisions = new Decisions();
  const page = await servePage({ ...led, book, pods, decisions, capacity: spec.capacity, registry });
  const endpoint = createKubeletEndpoint({
    nodeName: name,
    host: config.kubeletEndpoint.host,
    port: node.kubeletEndpointPort,
    addresses: [address],
    cells: directoryOf(book, pods),
    cellClient,
    client,
    pods,
    consoleOf: consolesOf(provider, book, signal),
    page,
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
  const { perCell, alternatives: prices } = config.metrics;
  const observed = [
    observeCells({ book, registry, clock, perCell }),
    observePods({ pods, registry, clock }),
    observeAlternatives({ pods, registry, clock, prices }),
  ];
  showCapacity({ pods, capacity: spec.capacity, registry });
  stops.push(async () => observed.forEach((end) => void end()));
  logger.info({ node: name, pods: pods.size, cells: adopted, provider: provider.name }, 'the virtual node is served');

  await servePods({ ...led, book, fleet, pods, nodes, cellClient, decisions, registry, mayAct }, signal, stops);
  const onDeleted = (cell: Cell) => void fleet.lose(cell, 'somebody deleted its Cell object');
  startProjection({ client, book, objects: cellObjects, labels, clock, logger, onDeleted }, signal);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
