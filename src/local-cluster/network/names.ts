import { createHash } from 'node:crypto';
import { localFailure } from '../failure.ts';

/** What a cluster is called in the kernel. All of it follows from the cluster's name, so that it is found again. */
export interface NetworkNames {
  /** The network namespace. */
  readonly namespace: string;
  /** The machine's end of the veth pair; a link's name has at most 15 characters. */
  readonly hostLink: string;
  /** The cluster's end. */
  readonly clusterLink: string;
  /** The comment on every firewall rule. */
  readonly comment: string;
}

/** @throws NodelessError PrerequisiteMissing when the name is no DNS label of at most 30 characters. */
export function networkNames(clusterName: string): NetworkNames {
  if (!/^[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?$/.test(clusterName)) {
    throw localFailure(`"${clusterName}" can't name a local cluster: use up to 30 of a-z, 0-9 and - such as demo`);
  }
  const hash = createHash('sha256').update(clusterName).digest('hex').slice(0, 10);
  return {
    namespace: `nodeless-${clusterName}`,
    hostLink: `nl-${hash}`,
    clusterLink: 'uplink0',
    comment: `nodeless-${clusterName}`,
  };
}

/** The start of a command line that runs what follows in a network namespace, with all else of the machine's. */
export function enterCommand(namespace: string): readonly string[] {
  // Not `ip netns exec`: it remounts /sys, which hides the cgroup mounts from containerd and the kubelet.
  return ['nsenter', `--net=/run/netns/${namespace}`, '--'];
}
