import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type NetworkNames, networkNames } from './network/names.ts';

/** Under here each local cluster has its folder. Not under /tmp: cells mount their own over it. */
export const STATE_ROOT = '/var/lib/nodeless';

/** Where a cluster keeps its things; all of it follows from its name. */
export interface ClusterPaths extends NetworkNames {
  readonly name: string;
  readonly stateRoot: string;
  readonly stateDir: string;
  /** What `up` records first. */
  readonly record: string;
  readonly pkiDir: string;
  readonly kubeconfigDir: string;
  readonly configDir: string;
  readonly logDir: string;
  /** One file per component: its process and its command line. */
  readonly processDir: string;
  /** The programs by name. */
  readonly binDir: string;
  readonly etcdDir: string;
  /** A cluster of processes on loopback, without a namespace, cgroups or root. */
  readonly rootless?: boolean;
  /** The cgroup, below each hierarchy's mount point, that all of the cluster's machines live in. */
  readonly cgroup: string;
}

/** Which cluster: by name, under a root that is only another one in tests. */
export interface ClusterRef {
  readonly name: string;
  readonly stateRoot?: string;
  /** Without root: on loopback (see loopback/). */
  readonly rootless?: boolean;
}

/** @throws NodelessError PrerequisiteMissing when the name can't be a cluster's. */
export function clusterPaths({ name, stateRoot = STATE_ROOT, rootless = false }: ClusterRef): ClusterPaths {
  const names = networkNames(name);
  const stateDir = join(stateRoot, name);
  return {
    ...names,
    name,
    stateRoot,
    stateDir,
    record: join(stateDir, 'cluster.json'),
    pkiDir: join(stateDir, 'pki'),
    kubeconfigDir: join(stateDir, 'kubeconfig'),
    configDir: join(stateDir, 'config'),
    logDir: join(stateDir, 'logs'),
    processDir: join(stateDir, 'processes'),
    binDir: join(stateDir, 'bin'),
    etcdDir: join(stateDir, 'etcd'),
    cgroup: `/nodeless/${name}`,
    rootless,
  };
}

/** What another process must know of a cluster to use it, or to take it down. */
export interface ClusterRecord {
  readonly name: string;
  readonly address: string;
  readonly hostAddress: string;
  readonly linkCidr: string;
  readonly outbound: boolean;
  /** Set when `up` made the machine forward packets, so that `down` stops it again. */
  readonly restoreForwarding: boolean;
  readonly createdAt: string;
}

/** Writes a file whole or not at all, readable by its owner only. */
export async function writePrivate(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, content, { mode: 0o600 });
  await rename(temporary, path);
}

/** The record of a cluster, or undefined when there is none, or it was never written whole. */
export async function readRecord(paths: ClusterPaths): Promise<ClusterRecord | undefined> {
  const text = await readFile(paths.record, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as ClusterRecord);
}

/** The names of the clusters that have a folder, whatever state they are in. */
export async function clusterNames(stateRoot: string = STATE_ROOT): Promise<readonly string[]> {
  const entries = await readdir(stateRoot, { withFileTypes: true }).catch(() => []);
  return (
    entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      // One that is only about to be claimed.
      .filter((name) => !name.startsWith('.'))
      .sort()
  );
}
