import { existsSync } from 'node:fs';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { parseHierarchies } from '../../providers/local/machine/cgroup-hierarchies.ts';
import { deletionsOf, firewallRules } from './network/outbound.ts';
import { run } from './processes/run.ts';
import { type ClusterPaths, clusterNames } from './state.ts';

/** A process that belongs to a cluster, and why. */
export interface TracedProcess {
  readonly pid: number;
  readonly command: string;
  readonly because: string;
}

/** True for a namespace of the cluster, or of one of its machines: `<namespace>-<machine>`; not for those of a cluster with a longer name. */
export function isOwnNamespace(
  name: string,
  paths: Pick<ClusterPaths, 'name'>,
  otherClusters: readonly string[],
): boolean {
  const within = (cluster: string) => name === `nodeless-${cluster}` || name.startsWith(`nodeless-${cluster}-`);
  return within(paths.name) && !otherClusters.some((other) => other.startsWith(`${paths.name}-`) && within(other));
}

/** The network namespaces of the cluster and of its machines, by name. */
export async function namespacesOf(paths: ClusterPaths): Promise<readonly string[]> {
  const names = await readdir('/run/netns').catch(() => []);
  const clusters = await clusterNames(paths.stateRoot);
  return names.filter((name) => isOwnNamespace(name, paths, clusters)).sort();
}

/** Mount points in the cluster's folder, deepest first, from a mountinfo text. */
export function mountsIn(mountinfo: string, paths: Pick<ClusterPaths, 'stateDir'>): readonly string[] {
  return mountinfo
    .split('\n')
    .map((line) => unescapePath(line.split(' ')[4] ?? ''))
    .filter((point) => point === paths.stateDir || point.startsWith(`${paths.stateDir}/`))
    .sort((a, b) => b.length - a.length);
}

/** The kernel writes space, tab, newline and backslash as octal. */
function unescapePath(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** The cluster's cgroup in every hierarchy that has it. */
export async function cgroupsOf(paths: ClusterPaths): Promise<readonly string[]> {
  const hierarchies = parseHierarchies(await readFile('/proc/self/mountinfo', 'utf8'));
  return hierarchies.map(({ mountPoint }) => mountPoint + paths.cgroup).filter((folder) => existsSync(folder));
}

async function ancestry(): Promise<ReadonlySet<number>> {
  const pids = new Set<number>();
  for (let pid = process.pid; pid > 1 && !pids.has(pid); ) {
    pids.add(pid);
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    pid = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  }
  return pids;
}

async function inodesOf(namespaces: readonly string[]): Promise<ReadonlySet<string>> {
  const inodes = namespaces.map((name) =>
    stat(`/run/netns/${name}`).then(
      ({ ino }) => String(ino),
      () => '',
    ),
  );
  return new Set((await Promise.all(inodes)).filter(Boolean));
}

/** Every process in one of the cluster's network namespaces or cgroups, or on its way there; never this one or its parents. */
export async function processesOf(paths: ClusterPaths): Promise<readonly TracedProcess[]> {
  const namespaces = await namespacesOf(paths);
  const inodes = await inodesOf(namespaces);
  const own = await ancestry();
  const found: TracedProcess[] = [];
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!(pid > 0) || own.has(pid)) continue;
    const [net, cgroup, cmdline] = await Promise.all([
      readlink(`/proc/${pid}/ns/net`).catch(() => ''),
      readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => ''),
      readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
    ]);
    const because = reasonOf(paths, inodes, { net, cgroup, cmdline });
    if (because !== undefined) found.push({ pid, command: cmdline.replaceAll('\0', ' ').trim(), because });
  }
  return found;
}

/** Why a process belongs to the cluster, from what /proc says of it; undefined when it does not. */
export function reasonOf(
  paths: Pick<ClusterPaths, 'namespace' | 'cgroup' | 'stateDir'>,
  netnsInodes: ReadonlySet<string>,
  facts: { readonly net: string; readonly cgroup: string; readonly cmdline: string },
): string | undefined {
  const inode = /\[(\d+)\]/.exec(facts.net)?.[1];
  if (inode !== undefined && netnsInodes.has(inode)) return 'network namespace';
  const groups = facts.cgroup.split('\n').map((line) => line.split(':').slice(2).join(':'));
  if (groups.some((group) => group === paths.cgroup || group.startsWith(`${paths.cgroup}/`))) return 'cgroup';
  const [program = '', second = ''] = facts.cmdline.split('\0');
  if (program.endsWith('nsenter') && second === `--net=/run/netns/${paths.namespace}`) return 'entering its namespace';
  // A program of the cluster's own folder whose namespace file has gone.
  if (program.startsWith(`${paths.stateDir}/`)) return 'program';
  return undefined;
}

/** True when the machine's end of the veth pair is there. */
export async function hasLink(paths: ClusterPaths): Promise<boolean> {
  return (await run(['ip', 'link', 'show', 'dev', paths.hostLink], { tolerate: true })).exitCode === 0;
}

/** The machine's routes that go through the cluster's link. */
export async function routesOf(paths: ClusterPaths): Promise<readonly string[]> {
  const { stdout } = await run(['ip', '-4', 'route', 'show', 'table', 'all'], { tolerate: true });
  return stdout.split('\n').filter((line) => line.split(/\s+/).includes(paths.hostLink));
}

/** Commands that delete the cluster's rules from the machine's firewall. */
export async function firewallDeletions(paths: ClusterPaths): Promise<readonly (readonly string[])[]> {
  return deletionsOf(await firewallRules(), paths.comment);
}
