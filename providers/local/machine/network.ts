import { createHash } from 'node:crypto';
import type { MachineAddresses } from './addressing.ts';

/** The wire between one machine and the router. */
export interface MachineNetwork extends MachineAddresses {
  /** Name under /run/netns of the machine's own network namespace. */
  readonly namespace: string;
  /** Name of the router's end of the wire, at most 15 characters. */
  readonly link: string;
  /** The router's address, which every machine shares as its gateway. */
  readonly gateway: string;
  /** Path of the router's network namespace; without it, the caller's own. */
  readonly routerNamespace?: string;
}

/** A link name that tells whose it is and fits the kernel's 15 characters: `nl`, 5 digits of the cluster's hash, the index. */
export function linkName(clusterName: string, index: number): string {
  return `${linkPrefix(clusterName)}${index}`;
}

/** What the link names of one cluster's machines begin with. */
export function linkPrefix(clusterName: string): string {
  return `nl${createHash('sha256').update(clusterName).digest('hex').slice(0, 5)}-`;
}

/** The network namespace of a machine; the prefix finds all of a cluster's. */
export function namespaceName(clusterName: string, machineName: string): string {
  return `nodeless-${clusterName}-${machineName}`;
}

/**
 * Shell lines, run in the router's namespace, that make the machine's namespace and wire anew.
 * Every machine has a /32 and reaches everything through the router: what kube-proxy translates on the way
 * there must pass it on the way back too.
 */
export function networkUp(network: MachineNetwork): string {
  const { namespace, link, address, podCidr, gateway } = network;
  return `${networkDown(network)}
ip netns add ${namespace}
ip -batch - <<END
link add ${link} type veth peer name eth0 netns ${namespace}
link set ${link} up
route replace ${address}/32 dev ${link} src ${gateway}
route replace ${podCidr} via ${address} dev ${link} onlink src ${gateway}
END
ip -n ${namespace} -batch - <<END
link set lo up
addr add ${address}/32 dev eth0
link set eth0 up
route add ${gateway}/32 dev eth0 scope link src ${address}
route add default via ${gateway} dev eth0 src ${address}
END`;
}

/** Shell lines, run in the router's namespace, that remove what `networkUp` made, or the half of it. */
export function networkDown({ namespace, link }: MachineNetwork): string {
  return `if [ -e /run/netns/${namespace} ]; then ip netns del ${namespace} 2>/dev/null || rm -f /run/netns/${namespace}; fi
ip link del ${link} 2>/dev/null || :`;
}
