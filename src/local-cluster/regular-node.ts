import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_RANGES, machineAddresses, routerAddress } from '../../providers/local/machine/addressing.ts';
import { containerdTemplate } from '../../providers/local/machine/containerd-template.ts';
import { kubeletConfiguration } from '../../providers/local/machine/kubelet-config.ts';
import { machineLog, startMachine } from '../../providers/local/machine/machine.ts';
import { linkName, namespaceName } from '../../providers/local/machine/network.ts';
import type { MachineSpec } from '../../providers/local/machine/spec.ts';
import { type Environment, readEnvironment } from '../config/environment.ts';
import { hasCondition, type KubeObject } from '../kube/objects.ts';
import { type ClusterApi, openApi } from './api.ts';
import { systemProgram } from './binaries/lookup.ts';
import { localFailure } from './failure.ts';
import { PAUSE_IMAGE } from './images/catalog.ts';
import type { ImageArchive } from './images/prepare.ts';
import { DNS_SERVICE_ADDRESS } from './network/addresses.ts';
import { enterCommand } from './network/names.ts';
import { kubeconfigPath, pkiFiles } from './pki/cluster-pki.ts';
import { run } from './processes/run.ts';
import type { Progress } from './progress.ts';
import type { ClusterPaths } from './state.ts';
import { CNI_FOLDER } from './system-packages.ts';

/** The name of a local cluster's one regular node. */
export const REGULAR_NODE = 'regular-1';
const INDEX = 0;
const READY_TIMEOUT_MS = 60_000;
/** A /27 without its network, gateway and broadcast addresses, and a few that are still being given back. */
const MAX_PODS = 25;
const CSR_PATH = '/apis/certificates.k8s.io/v1/certificatesigningrequests';

export interface RegularNodeOptions {
  readonly paths: ClusterPaths;
  readonly images: readonly ImageArchive[];
  /** URL that image pulls go through. */
  readonly registryMirror?: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly environment?: Environment;
}

interface CertificateSigningRequest {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly signerName: string; readonly username: string };
  readonly status?: { readonly conditions?: readonly unknown[] };
}

/** The folder of the node's machine. */
export function regularNodeDirectory(paths: ClusterPaths): string {
  return join(paths.stateDir, 'machines', REGULAR_NODE);
}

async function machineSpec(options: RegularNodeOptions): Promise<MachineSpec> {
  const { paths, signal, registryMirror } = options;
  const environment = options.environment ?? readEnvironment();
  const containerd = await systemProgram('containerd', environment);
  if (containerd === undefined) throw localFailure('containerd is missing: install the package containerd');
  const template = await containerdTemplate(
    {
      cacheDir: environment.cacheFolder,
      archives: options.images.map((image) => image.path),
      containerd,
      sandboxImage: PAUSE_IMAGE,
    },
    signal,
  );
  return {
    directory: regularNodeDirectory(paths),
    cgroup: `${paths.cgroup}/${REGULAR_NODE}`,
    network: {
      ...machineAddresses(DEFAULT_RANGES, INDEX),
      namespace: namespaceName(paths.name, REGULAR_NODE),
      link: linkName(paths.name, INDEX),
      gateway: routerAddress(DEFAULT_RANGES),
      routerNamespace: `/run/netns/${paths.namespace}`,
    },
    containerd: {
      ...{ containerd, cniBinDir: CNI_FOLDER, sandboxImage: PAUSE_IMAGE, template },
      ...(registryMirror === undefined ? {} : { registryMirror }),
    },
    kubelet: {
      kubelet: join(paths.binDir, 'kubelet'),
      nodeName: REGULAR_NODE,
      configuration: {
        ...kubeletConfiguration({ clusterDns: DNS_SERVICE_ADDRESS, clusterDomain: 'cluster.local' }),
        maxPods: MAX_PODS,
      },
      clientCaPem: await readFile(pkiFiles(paths).caCertificate, 'utf8'),
      kubeconfig: await readFile(kubeconfigPath(paths, REGULAR_NODE), 'utf8'),
    },
    nameserver: DNS_SERVICE_ADDRESS,
  };
}

/**
 * A pod that reaches another one on its own machine through a Service is translated at the router, but answered
 * over the machine's bridge, past the router; with the router as its source, the answer comes back the same way.
 */
async function translateNeighbours(paths: ClusterPaths, podCidr: string, signal: AbortSignal): Promise<void> {
  const rule = ['POSTROUTING', '-s', podCidr, '-d', podCidr, '-j', 'MASQUERADE'];
  const iptables = [...enterCommand(paths.namespace), 'iptables', '-w', '-t', 'nat'];
  const present = await run([...iptables, '-C', ...rule], { signal, tolerate: true });
  if (present.exitCode !== 0) await run([...iptables, '-A', ...rule], { signal });
}

/** Approves what the node's kubelet asks to serve with: nobody else does, in any cluster. */
async function approveServing(api: ClusterApi): Promise<void> {
  const list = (await api.must('GET', CSR_PATH)) as { readonly items: readonly CertificateSigningRequest[] };
  for (const request of list.items) {
    const ours =
      request.spec.signerName === 'kubernetes.io/kubelet-serving' &&
      request.spec.username === `system:node:${REGULAR_NODE}`;
    if (!ours || (request.status?.conditions ?? []).length > 0) continue;
    const message = 'the local cluster trusts the machine that it started';
    const condition = { type: 'Approved', status: 'True', reason: 'LocalCluster', message };
    const approved = { ...request, status: { conditions: [condition] } };
    await api.must('PUT', `${CSR_PATH}/${request.metadata.name}/approval`, approved, [409]);
  }
}

async function hasServing(api: ClusterApi): Promise<boolean> {
  return (await api.call('GET', `/api/v1/nodes/${REGULAR_NODE}/proxy/healthz`)).status === 200;
}

async function isReady(api: ClusterApi): Promise<boolean> {
  const answer = await api.call('GET', `/api/v1/nodes/${REGULAR_NODE}`);
  return answer.status === 200 && hasCondition(answer.body as KubeObject, 'Ready');
}

/**
 * Starts a machine with a stock kubelet that joins the cluster as node `regular-1`, and waits until it is Ready
 * and the API server reaches it. It ends with the cluster.
 * @throws NodelessError PrerequisiteMissing with the kubelet's last words.
 */
export async function startRegularNode(options: RegularNodeOptions): Promise<void> {
  const { paths, signal } = options;
  options.progress({ step: 'regular node', detail: `starting a kubelet and containerd as ${REGULAR_NODE}` });
  const spec = await machineSpec(options);
  await translateNeighbours(paths, spec.network.podCidr, signal);
  await mkdir(dirname(spec.directory), { recursive: true, mode: 0o700 });
  await startMachine(spec, signal);
  const api = await openApi(kubeconfigPath(paths, 'admin'), signal);
  const deadlineMs = Date.now() + READY_TIMEOUT_MS;
  try {
    for (;;) {
      await approveServing(api);
      if ((await isReady(api)) && (await hasServing(api))) return;
      if (Date.now() > deadlineMs) {
        const words = await machineLog(spec.directory, 'kubelet', 12);
        throw localFailure(`${REGULAR_NODE} is not Ready; its kubelet's last words:\n${words.join('\n')}`);
      }
      await delay(100, undefined, { signal });
    }
  } finally {
    await api.close();
  }
}
