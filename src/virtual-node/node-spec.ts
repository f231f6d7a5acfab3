import type { Config } from '../config/schema.ts';
import type { VirtualNodeConfig } from '../config/virtual-nodes.ts';
import { cloudIdentityOf } from './cloud-identity.ts';
import { defaultTaint, type VirtualNodeSpec } from './node-object.ts';

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** `kubernetes.io/arch` of this machine, which the virtual nodes show as theirs. */
export function ownArch(): string {
  return ARCHITECTURES[process.arch] ?? process.arch;
}

/** One of the virtual nodes that a configuration describes. */
export function specOf(config: Config, node: VirtualNodeConfig, clusterUid: string): VirtualNodeSpec {
  const { capacity, labels, taints, address, kubeletVersion } = config.virtualNode;
  const { name, group, zone, kubeletEndpointPort } = node;
  const wanted = taints ?? [defaultTaint(config.provider)];
  const identity = cloudIdentityOf(config, node, clusterUid);
  return {
    name,
    group,
    ...(zone === undefined ? {} : { zone }),
    providerId: identity.providerId,
    capacity,
    labels: { ...identity.labels, ...labels },
    taints: wanted.map(({ key, value, effect }) => ({ key, effect, ...(value === undefined ? {} : { value }) })),
    address,
    kubeletPort: kubeletEndpointPort,
    kubeletVersion,
    arch: ownArch(),
  };
}
