import { readFile, writeFile } from 'node:fs/promises';
import { localFailure } from '../failure.ts';
import { run } from '../processes/run.ts';
import { freeLinkSubnet, type LinkSubnet } from './addresses.ts';
import { enterCommand, type NetworkNames } from './names.ts';

const INOTIFY_INSTANCES = '/proc/sys/fs/inotify/max_user_instances';
/** 128, a usual default, is too few for some kubelets. */
const MIN_INOTIFY_INSTANCES = 8192;

/** The commands that make a namespace without a way out, joined to the machine by a veth pair. */
export function namespaceCommands(names: NetworkNames, subnet: LinkSubnet): readonly (readonly string[])[] {
  const { namespace, hostLink, clusterLink } = names;
  const inside = enterCommand(namespace);
  const within = ['ip', '-n', namespace];
  return [
    ['ip', 'netns', 'add', namespace],
    [
      ...inside,
      ...['sysctl', '-q', '-w', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0'],
      'net.ipv4.conf.default.rp_filter=0',
    ],
    [...within, 'link', 'set', 'lo', 'up'],
    ['ip', 'link', 'add', hostLink, 'type', 'veth', 'peer', 'name', clusterLink, 'netns', namespace],
    ['ip', 'address', 'add', `${subnet.hostAddress}/30`, 'dev', hostLink],
    ['ip', 'link', 'set', hostLink, 'up'],
    [...within, 'address', 'add', `${subnet.address}/30`, 'dev', clusterLink],
    [...within, 'link', 'set', clusterLink, 'up'],
  ];
}

/** IPv4 addresses and routes in the output of `ip -json route show table all` and `ip -json address`. */
export function takenRanges(routesJson: string, addressesJson: string): readonly string[] {
  const routes = JSON.parse(routesJson || '[]') as { readonly dst?: string }[];
  const links = JSON.parse(addressesJson || '[]') as {
    readonly addr_info?: { local?: string; prefixlen?: number }[];
  }[];
  const found = [
    ...routes.map((route) => route.dst ?? ''),
    ...links.flatMap((link) => (link.addr_info ?? []).map((info) => `${info.local}/${info.prefixlen}`)),
  ];
  return found.filter((range) => /^\d+\.\d+\.\d+\.\d+(\/\d+)?$/.test(range));
}

/** Chooses the link's addresses: a /30 that nothing on this machine uses. */
export async function chooseSubnet(clusterName: string, signal: AbortSignal): Promise<LinkSubnet> {
  const routes = await run(['ip', '-json', '-4', 'route', 'show', 'table', 'all'], { signal });
  const addresses = await run(['ip', '-json', '-4', 'address'], { signal });
  return freeLinkSubnet(clusterName, takenRanges(routes.stdout, addresses.stdout));
}

/** What all clusters need of the machine itself; it is left so, because other clusters may rely on it. */
export async function prepareMachine(signal: AbortSignal): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw localFailure('a local cluster makes network namespaces and mounts: run this as root, for example with sudo');
  }
  const instances = Number(await readFile(INOTIFY_INSTANCES, 'utf8'));
  if (instances < MIN_INOTIFY_INSTANCES) await writeFile(INOTIFY_INSTANCES, String(MIN_INOTIFY_INSTANCES));
  // Volumes that the kubelet mounts must be seen by containers that run in other mount namespaces.
  await run(['mount', '--make-rshared', '/'], { signal });
}

/** Makes the namespace. @throws NodelessError PrerequisiteMissing with the words of the command that failed. */
export async function createNamespace(names: NetworkNames, subnet: LinkSubnet, signal: AbortSignal): Promise<void> {
  for (const command of namespaceCommands(names, subnet)) await run(command, { signal });
}
