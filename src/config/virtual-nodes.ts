import { zoneNodeName } from '../core/names.ts';
import type { Config } from './schema.ts';

/** One of the virtual nodes that a configuration describes: the only one, or that of a zone. */
export interface VirtualNodeConfig {
  readonly name: string;
  /** What all virtual nodes of the configuration are selected by together; the name of the only one. */
  readonly group: string;
  readonly zone?: string;
  readonly cellApiPort: number;
  readonly kubeletEndpointPort: number;
}

/** The virtual nodes in the order of the zones; each has the configured ports plus its place in that order. */
export function virtualNodesOf(
  config: Pick<Config, 'virtualNode' | 'zones' | 'cellApi' | 'kubeletEndpoint'>,
): readonly VirtualNodeConfig[] {
  const { virtualNode, zones, cellApi, kubeletEndpoint } = config;
  const group = virtualNode.name;
  const nodeAt = (index: number) => ({
    group,
    cellApiPort: cellApi.port + index,
    kubeletEndpointPort: kubeletEndpoint.port + index,
  });
  if (zones.names.length === 0) return [{ name: group, ...nodeAt(0) }];
  return zones.names.map((zone, index) => ({ name: zoneNodeName(group, zone), zone, ...nodeAt(index) }));
}
