import type { Target } from '../webhooks/routing/target.ts';
import type { Config } from './config/schema.ts';
import { virtualNodesOf } from './config/virtual-nodes.ts';
import { nodeLabels } from './virtual-node/node-object.ts';
import { specOf } from './virtual-node/node-spec.ts';

/** Where routing sends pods, as the configuration has it. */
export function routingTarget(config: Config, clusterUid: string): Target {
  const specs = virtualNodesOf(config).map((node) => specOf(config, node, clusterUid));
  const nodes = specs.map((spec) => ({ name: spec.name, labels: nodeLabels(spec) }));
  return { name: config.virtualNode.name, nodes, taints: specs[0]?.taints ?? [] };
}
