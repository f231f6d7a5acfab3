import type { Config } from '../../config/schema.ts';
import { AgentSets } from '../../placement/agents.ts';
import { routingTarget } from '../../routing-target.ts';
import type { Facts } from './facts.ts';

/** The agents that would be in every cell: those of the virtual node that is there, or else of the one that is configured. */
export function plannedAgents(config: Config, facts: Facts): AgentSets {
  const { nodes, taints } = routingTarget(config, '');
  const [first] = nodes;
  const configured = first && { metadata: { name: first.name, labels: { ...first.labels } }, spec: { taints } };
  return new AgentSets({
    daemonSets: facts.daemonSets,
    node: () => facts.nodes.get(undefined, first?.name ?? '') ?? configured,
    namespaces: config.cells.agents.namespaces,
  });
}
