import { createBackoff } from '../../src/core/backoff.ts';
import { type Clock, kubeMicroTime } from '../../src/core/clock.ts';
import type { Resources } from '../../src/core/resources.ts';
import { type CellApiClient, type KubeObject, must, openCellApi } from './api-client.ts';
import { kubeletRequest } from './certificate-request.ts';
import { type Connections, connectionsTo } from './connections.ts';
import { nodeStatusPatch } from './node-status.ts';
import { type PodWorkers, startPodWorkers } from './pods.ts';

/** What a simulated kubelet is given, and how it behaves. */
export interface SimulatedKubeletOptions {
  readonly cellApiUrl: string;
  readonly caPem: string;
  readonly nodeName: string;
  readonly token: string;
  /** What cells without a certificate share: a thousand handshakes less. */
  readonly bootstrapConnections: Connections;
  readonly address: string;
  readonly arch: string;
  readonly capacity: Resources;
  readonly allocatable: Resources;
  /** Drawn for each pod: from being shown the pod to reporting it Ready. */
  readonly podStartMs: () => number;
  /** Drawn for each pod: from being told to end it to its deletion. */
  readonly podStopMs: () => number;
  readonly newPodIp: () => string;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Lives as the kubelet of one cell until the signal ends its machine, and resolves when it has ended. */
export type SimulatedKubelet = (options: SimulatedKubeletOptions, signal: AbortSignal) => Promise<void>;

const LEASE_SECONDS = 40;
const LEASE_RENEWAL_MS = 10_000;
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
const REQUESTS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const REQUEST_POLL_MS = 200;

interface SigningRequest extends KubeObject {
  readonly status?: { readonly certificate?: string };
}

/** Repeats what fails, with growing delays, until it succeeds or the machine ends; as a kubelet does with everything. */
async function persist<T>(options: SimulatedKubeletOptions, signal: AbortSignal, step: () => Promise<T>): Promise<T> {
  const backoff = createBackoff(200, 10_000, options.random);
  for (;;) {
    signal.throwIfAborted();
    try {
      return await step();
    } catch {
      await options.clock.sleep(backoff.next(), signal);
    }
  }
}

function signingRequest(requestPem: string) {
  return {
    kind: 'CertificateSigningRequest',
    apiVersion: 'certificates.k8s.io/v1',
    metadata: { generateName: 'csr-' },
    spec: {
      request: Buffer.from(requestPem).toString('base64'),
      signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
      usages: ['digital signature', 'client auth'],
    },
  };
}

/** What a kubelet proves itself with. */
export interface KubeletIdentity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Trades the token for a certificate. One key for all attempts. */
export async function bootstrap(options: SimulatedKubeletOptions, signal: AbortSignal): Promise<KubeletIdentity> {
  const { keyPem, requestPem } = await kubeletRequest(options.nodeName);
  const api = openCellApi(options.bootstrapConnections, options.token);
  const posted = await persist(options, signal, async () =>
    must<SigningRequest>(await api.call('POST', REQUESTS, signingRequest(requestPem), signal), 'the request'),
  );
  let certificate = posted.status?.certificate;
  const query = `${REQUESTS}?fieldSelector=${encodeURIComponent(`metadata.name=${posted.metadata.name}`)}`;
  while (certificate === undefined) {
    await options.clock.sleep(REQUEST_POLL_MS, signal);
    const list = await persist(options, signal, async () =>
      must<{ items?: readonly SigningRequest[] }>(await api.call('GET', query, undefined, signal), 'the certificate'),
    );
    certificate = list.items?.[0]?.status?.certificate;
  }
  return { ca: options.caPem, cert: Buffer.from(certificate, 'base64').toString('utf8'), key: keyPem };
}

/** Reports the node as Ready, once. */
export async function reportNode(
  options: SimulatedKubeletOptions,
  api: CellApiClient,
  signal: AbortSignal,
): Promise<void> {
  const path = `/api/v1/nodes/${options.nodeName}`;
  await persist(options, signal, async () => {
    must(await api.call('GET', path, undefined, signal), 'the node');
    const patch = nodeStatusPatch({ ...options, nowMs: options.clock.now() });
    must(await api.call('PATCH', `${path}/status`, patch, signal), 'the node status');
  });
}

function leaseOf(options: SimulatedKubeletOptions, metadata: object) {
  return {
    kind: 'Lease',
    apiVersion: 'coordination.k8s.io/v1',
    metadata: { ...metadata, name: options.nodeName, namespace: 'kube-node-lease' },
    spec: {
      holderIdentity: options.nodeName,
      leaseDurationSeconds: LEASE_SECONDS,
      renewTime: kubeMicroTime(options.clock.now()),
    },
  };
}

/** Writes over the lease that was last seen; asks for it, or makes it, only when that fails. */
async function renewLease(
  options: SimulatedKubeletOptions,
  api: CellApiClient,
  last: KubeObject | undefined,
  signal: AbortSignal,
): Promise<KubeObject> {
  const path = `${LEASES}/${options.nodeName}`;
  if (last !== undefined) {
    const written = await api.call('PUT', path, leaseOf(options, last.metadata), signal);
    if (written.status === 200) return written.body as KubeObject;
  }
  const current = await api.call('GET', path, undefined, signal);
  const answer =
    current.status === 404
      ? await api.call('POST', LEASES, leaseOf(options, {}), signal)
      : await api.call('PUT', path, leaseOf(options, must<KubeObject>(current, 'the lease').metadata), signal);
  return must<KubeObject>(answer, 'the lease');
}

/** Renews the node's lease for as long as the machine lives. */
export async function keepLease(
  options: SimulatedKubeletOptions,
  api: CellApiClient,
  signal: AbortSignal,
): Promise<void> {
  let last: KubeObject | undefined;
  for (;;) {
    const before = last;
    last = await persist(options, signal, () => renewLease(options, api, before, signal));
    await options.clock.sleep(LEASE_RENEWAL_MS * (1 + 0.04 * options.random()), signal);
  }
}

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubeObject;
}

/** One LIST and the WATCH that follows it; returns or throws when it must begin anew. */
async function followPods(nodeName: string, api: CellApiClient, workers: PodWorkers, signal: AbortSignal) {
  const path = `/api/v1/pods?fieldSelector=${encodeURIComponent(`spec.nodeName=${nodeName}`)}`;
  const list = must<{ metadata: { resourceVersion: string }; items: readonly KubeObject[] }>(
    await api.call('GET', `${path}&limit=500&resourceVersion=0`, undefined, signal),
    'the pods',
  );
  workers.replace(list.items ?? []);
  const from = `&watch=true&allowWatchBookmarks=true&resourceVersion=${list.metadata.resourceVersion}`;
  for await (const line of api.watch(path + from, signal)) {
    const { type, object } = line as WatchEvent;
    if (type === 'ERROR') return;
    if (type === 'DELETED') workers.remove(object);
    else if (type !== 'BOOKMARK') workers.apply(object);
  }
}

/**
 * Lives as the kubelet of one cell until the signal ends its machine: bootstraps, reports its node, renews its lease
 * and "runs" the pods that it is shown. Resolves when it has ended; outages of the cell API are waited out.
 */
export const runSimulatedKubelet: SimulatedKubelet = async (options, signal) => {
  let connections: Connections | undefined;
  try {
    connections = connectionsTo(options.cellApiUrl, await bootstrap(options, signal));
    const opened = openCellApi(connections);
    const { nodeName, clock } = options;
    await reportNode(options, opened, signal);
    const workers = startPodWorkers(options, opened, signal);
    const follow = async () => {
      for (;;) {
        await persist(options, signal, () => followPods(nodeName, opened, workers, signal));
        await clock.sleep(100, signal);
      }
    };
    await Promise.all([keepLease(options, opened, signal), follow()]);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    connections?.destroy();
  }
};
