import { mkdir, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DEFAULT_RANGES } from '../../providers/local/machine/addressing.ts';
import { startRouter } from '../../providers/local/router.ts';
import { readEnvironment } from '../config/environment.ts';
import { KUBERNETES_PROGRAMS } from './binaries/artifacts.ts';
import { systemProgram } from './binaries/lookup.ts';
import { obtainPrograms } from './binaries/obtain.ts';
import { type ClaimOptions, claimCluster } from './claim.ts';
import { API_SERVER_PORT } from './components/command-lines.ts';
import { startControlPlane } from './control-plane.ts';
import { down } from './down.ts';
import { localFailure } from './failure.ts';
import { type ImageArchive, prepareImages } from './images/prepare.ts';
import { chooseSubnet, createNamespace, prepareMachine } from './network/namespace.ts';
import { openOutbound } from './network/outbound.ts';
import { createPki, IDENTITY_NAMES, type Identity, kubeconfigPath, pkiFiles } from './pki/cluster-pki.ts';
import type { Progress } from './progress.ts';
import { startRegularNode } from './regular-node.ts';
import { type ClusterPaths, type ClusterRecord, clusterPaths, writePrivate } from './state.ts';
import { ensureSystemPrograms } from './system-packages.ts';

export interface UpOptions extends ClaimOptions {
  readonly progress: Progress;
  /** Aborting while it comes up takes it down again. */
  readonly signal: AbortSignal;
  /** Also start a stock node, `regular-1`, beside what a provider will register. */
  readonly regularNode?: boolean;
  /** Let packets leave the machine; off, so that nothing can. */
  readonly outbound?: boolean;
  /** An audit policy (YAML); the log goes to logs/audit.log. */
  readonly auditPolicy?: string;
  readonly apiServerFlags?: readonly string[];
}

/** A cluster that is up. It goes on when this process ends. */
export interface LocalCluster {
  readonly paths: ClusterPaths;
  /** Where the API server, DNS and everything else in the namespace is reached, from the machine and from cells. */
  readonly address: string;
  readonly apiServerUrl: string;
  readonly kubeconfigs: Readonly<Record<Identity, string>>;
  /** PEM of the cluster's authority, as a file. */
  readonly caFile: string;
  /** Paths of the programs: kubectl, kubelet, etcd ... */
  readonly binDir: string;
  readonly images: readonly ImageArchive[];
  /** The folder that has the images' archives and no others. */
  readonly imagesDir: string;
}

async function linkPrograms(paths: ClusterPaths, options: UpOptions): Promise<void> {
  const environment = readEnvironment();
  const programs = await obtainPrograms([...KUBERNETES_PROGRAMS, 'coredns'], { ...options, environment });
  const etcd = await systemProgram('etcd', environment);
  if (etcd === undefined) throw localFailure('etcd is missing: install the package etcd-server');
  await mkdir(paths.binDir, { recursive: true });
  for (const [name, path] of Object.entries({ ...programs, etcd })) {
    await rm(join(paths.binDir, name), { force: true });
    await symlink(path, join(paths.binDir, name));
  }
}

async function bringUp(
  options: UpOptions,
  paths: ClusterPaths,
  images: readonly ImageArchive[],
): Promise<{ readonly address: string }> {
  const { progress, signal } = options;
  const outbound = options.outbound === true;
  await linkPrograms(paths, options);
  progress({ step: 'network', detail: `making namespace ${paths.namespace}` });
  await prepareMachine(signal);
  const subnet = await chooseSubnet(paths.name, signal);
  const { address } = subnet;
  const record: ClusterRecord = {
    name: paths.name,
    address,
    hostAddress: subnet.hostAddress,
    linkCidr: subnet.cidr,
    outbound,
    restoreForwarding: false,
    createdAt: new Date().toISOString(),
  };
  await writePrivate(paths.record, JSON.stringify(record));
  await createNamespace(paths, subnet, signal);
  if (outbound) {
    const restore = await openOutbound(paths, subnet, signal);
    await writePrivate(paths.record, JSON.stringify({ ...record, restoreForwarding: restore }));
  }
  // The provider does the same when it starts; Services are to work without one, too.
  await startRouter({ ranges: DEFAULT_RANGES, outbound, networkNamespace: `/run/netns/${paths.namespace}` }, signal);
  await createPki(paths, address, `https://${address}:${API_SERVER_PORT}`);
  const auditPolicyFile = join(paths.configDir, 'audit-policy.yaml');
  if (options.auditPolicy !== undefined) await writePrivate(auditPolicyFile, options.auditPolicy);
  await startControlPlane({
    paths,
    address,
    outbound,
    progress,
    signal,
    ...(options.auditPolicy === undefined ? {} : { auditPolicyFile }),
    ...(options.apiServerFlags === undefined ? {} : { apiServerFlags: options.apiServerFlags }),
  });
  if (options.regularNode === true) await startRegularNode({ paths, images, progress, signal });
  return { address };
}

/**
 * Brings a Kubernetes cluster up on this machine, in a network namespace of its own that no packet leaves.
 * It is up when pods and Services can be created. When it fails or is aborted, nothing of it stays.
 * @throws NodelessError PrerequisiteMissing with what is wrong and the last words of the component that failed.
 */
export async function up(options: UpOptions): Promise<LocalCluster> {
  const paths = clusterPaths(options);
  await ensureSystemPrograms(options);
  const images = await prepareImages(options);
  await claimCluster(options);
  try {
    const { address } = await bringUp(options, paths, images);
    return clusterAt(paths, address, images);
  } catch (error) {
    await down(options).catch((failure: unknown) => {
      throw new AggregateError([error, failure], `local cluster ${paths.name} failed to start and to go away`);
    });
    throw error;
  }
}

function clusterAt(paths: ClusterPaths, address: string, images: readonly ImageArchive[]): LocalCluster {
  return {
    paths,
    address,
    apiServerUrl: `https://${address}:${API_SERVER_PORT}`,
    kubeconfigs: Object.fromEntries(
      IDENTITY_NAMES.map((identity) => [identity, kubeconfigPath(paths, identity)]),
    ) as Record<Identity, string>,
    caFile: pkiFiles(paths).caCertificate,
    binDir: paths.binDir,
    images,
    imagesDir: dirname(images[0]?.path ?? ''),
  };
}
