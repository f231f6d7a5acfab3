import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type ClusterRef, clusterPaths } from './state.ts';
import { cgroupsOf, firewallDeletions, hasLink, mountsIn, namespacesOf, processesOf, routesOf } from './traces.ts';

/**
 * What is left of a cluster on this machine, looked for from outside and not by what the cluster recorded:
 * one line for each process, namespace, mount, cgroup, link, route, firewall rule and folder. Empty when it is gone.
 */
export async function leftovers(ref: ClusterRef): Promise<readonly string[]> {
  const paths = clusterPaths(ref);
  const [processes, namespaces, mountinfo, cgroups, link, routes, rules] = await Promise.all([
    processesOf(paths),
    namespacesOf(paths),
    readFile('/proc/self/mountinfo', 'utf8'),
    cgroupsOf(paths),
    hasLink(paths),
    routesOf(paths),
    firewallDeletions(paths),
  ]);
  return [
    ...processes.map(({ pid, command, because }) => `process ${pid} (${because}): ${command}`),
    ...namespaces.map((name) => `network namespace ${name}`),
    ...mountsIn(mountinfo, paths).map((point) => `mount ${point}`),
    ...cgroups.map((folder) => `cgroup ${folder}`),
    ...(link ? [`link ${paths.hostLink}`] : []),
    ...routes.map((route) => `route ${route.trim()}`),
    ...rules.map((command) => `firewall rule, to be deleted with: ${command.join(' ')}`),
    ...(existsSync(paths.stateDir) ? [`folder ${paths.stateDir}`] : []),
  ];
}
