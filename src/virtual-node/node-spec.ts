import type { Config } from '../config/schema.ts';
import { defaultTaint, type VirtualNodeSpec } from './node-object.ts';

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** The virtual node that a configuration describes. */
export function specOf(config: Config, clusterUid: string, arch: string = process.arch): VirtualNodeSpec {
  const { name, capacity, labels, taints, address, kubeletVersion } = config.virtualNode;
  const wanted = taints ?? [defaultTaint(config.provider)];
  return {
    name,
    clusterUid,
    capacity,
    labels,
    taints: wanted.map(({ key, value, effect }) => ({ key, effect, ...(value === undefined ? {} : { value }) })),
    address,
    kubeletPort: config.kubeletEndpoint.port,
    kubeletVersion,
    arch: ARCHITECTURES[arch] ?? arch,
  };
}
