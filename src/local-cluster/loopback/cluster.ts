import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readEnvironment } from '../../config/environment.ts';
import { systemProgram } from '../binaries/lookup.ts';
import { obtainPrograms } from '../binaries/obtain.ts';
import { startLoopbackControlPlane } from '../control-plane.ts';
import { localFailure, nameTaken } from '../failure.ts';
import { createPki, IDENTITY_NAMES, type Identity, kubeconfigPath, pkiFiles } from '../pki/cluster-pki.ts';
import type { Progress } from '../progress.ts';
import { type ClusterPaths, type ClusterRecord, type ClusterRef, clusterPaths, writePrivate } from '../state.ts';
import type { LocalCluster } from '../up.ts';
import { freePorts, type LoopbackPorts } from './free-ports.ts';
import { removeLoopback } from './removal.ts';

/** What a control plane without kubelets takes. */
export const LOOPBACK_PROGRAMS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'] as const;
const ADDRESS = '127.0.0.1';

/** A control plane of plain processes on loopback. It goes on when this process ends. */
export interface LoopbackCluster extends LocalCluster {
  readonly ports: LoopbackPorts;
}

/** A cluster on loopback keeps its state in its user's cache: it needs no root. */
export function loopbackRef(name: string, cacheFolder: string = readEnvironment().cacheFolder): ClusterRef {
  return { name, stateRoot: join(cacheFolder, 'clusters'), rootless: true };
}

async function linkPrograms(paths: ClusterPaths, options: LoopbackOptions): Promise<void> {
  const environment = readEnvironment();
  const programs = await obtainPrograms(LOOPBACK_PROGRAMS, { ...options, environment });
  const etcd = await systemProgram('etcd', environment);
  if (etcd === undefined) throw localFailure('etcd is missing: install it (Debian, Ubuntu: the package etcd-server)');
  await mkdir(paths.binDir, { recursive: true });
  for (const [name, path] of Object.entries({ ...programs, etcd })) await symlink(path, join(paths.binDir, name));
}

export interface LoopbackOptions {
  readonly name: string;
  readonly progress: Progress;
  /** Aborting while it comes up takes it down again. */
  readonly signal: AbortSignal;
}

async function claim(paths: ClusterPaths): Promise<void> {
  try {
    await mkdir(dirname(paths.stateDir), { recursive: true });
    await mkdir(paths.stateDir, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw nameTaken(paths.name, paths.stateDir);
    throw localFailure(`can't write ${dirname(paths.stateDir)}: set XDG_CACHE_HOME to a folder of yours`, error);
  }
}

async function bringUp(options: LoopbackOptions, paths: ClusterPaths): Promise<LoopbackCluster> {
  await linkPrograms(paths, options);
  const ports = await freePorts();
  const server = `https://${ADDRESS}:${ports.apiServer}`;
  const record: ClusterRecord = {
    name: paths.name,
    address: ADDRESS,
    hostAddress: ADDRESS,
    linkCidr: '',
    outbound: false,
    restoreForwarding: false,
    createdAt: new Date().toISOString(),
  };
  await writePrivate(paths.record, JSON.stringify(record));
  await createPki(paths, ADDRESS, server);
  await startLoopbackControlPlane({ ...options, paths, address: ADDRESS, loopback: ports, outbound: false });
  const kubeconfigs = IDENTITY_NAMES.map((identity) => [identity, kubeconfigPath(paths, identity)]);
  return {
    paths,
    ports,
    address: ADDRESS,
    apiServerUrl: server,
    kubeconfigs: Object.fromEntries(kubeconfigs) as Record<Identity, string>,
    caFile: pkiFiles(paths).caCertificate,
    binDir: paths.binDir,
    images: [],
    imagesDir: '',
  };
}

/**
 * Brings etcd, the API server, the controller manager and the scheduler up on loopback, on ports of their own and
 * without root: enough for a provider of simulated cells. When it fails or is aborted, nothing of it stays.
 * @throws NodelessError PrerequisiteMissing with what is missing or the last words of the component that failed.
 */
export async function upLoopback(options: LoopbackOptions): Promise<LoopbackCluster> {
  const paths = clusterPaths(loopbackRef(options.name));
  await claim(paths);
  try {
    return await bringUp(options, paths);
  } catch (error) {
    await removeLoopback(paths).catch((failure: unknown) => {
      throw new AggregateError([error, failure], `local cluster ${paths.name} failed to start and to go away`);
    });
    throw error;
  }
}

/** `nodeless run` configuration of a provider whose cells are simulated, for a cluster on loopback. */
export function simulatedProviderConfig({ ports }: Pick<LoopbackCluster, 'ports'>) {
  return {
    provider: 'simulated',
    cellApi: { host: ADDRESS, port: ports.cellApi },
    kubeletEndpoint: { host: ADDRESS, port: ports.kubeletEndpoint },
    webhook: { host: ADDRESS, port: ports.webhook },
  };
}
