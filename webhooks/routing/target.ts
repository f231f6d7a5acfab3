import { OFFERING_LABELS, ZONE_LABEL } from '../../src/core/constraints.ts';
import { VIRTUAL_NODE_LABEL } from '../../src/core/names.ts';
import type { NodeTaint } from '../../src/core/tolerates.ts';

/** A taint of the virtual nodes that pods on them have to tolerate. */
export type TargetTaint = NodeTaint;

type Labels = Readonly<Record<string, string>>;

/** One virtual node. */
export interface TargetNode {
  readonly name: string;
  /** What the Node has now, with what it is configured to have. */
  readonly labels: Labels;
}

/** Where routing sends pods: one virtual node, or one for each zone, among which the scheduler chooses. */
export interface Target {
  /** By which pods select any of the nodes: the value of their label `nodeless.io/virtual-node`. */
  readonly name: string;
  readonly nodes: readonly TargetNode[];
  /** Those that all nodes are configured to have: the rest comes and goes, and is for a reason. */
  readonly taints: readonly TargetTaint[];
}

/** How terms are judged against virtual nodes: by which labels, and which labels are the machines' own. */
export interface Standpoint {
  readonly nodes: readonly TargetNode[];
  isLifted(label: string): boolean;
}

function labelledNodes({ name, nodes }: Target): readonly TargetNode[] {
  return nodes.map((node) => ({ name: node.name, labels: { ...node.labels, [VIRTUAL_NODE_LABEL]: name } }));
}

/** For pods with machines of their own; the Node of one zone is itself held to its zone. */
export function ofCells(target: Target): Standpoint {
  const nodes = labelledNodes(target);
  const hasZones = nodes.some(({ labels }) => Object.hasOwn(labels, ZONE_LABEL));
  const isLifted = (label: string) => OFFERING_LABELS.includes(label) && !(label === ZONE_LABEL && hasZones);
  return { nodes, isLifted };
}

/** For pods of the node cell: it is one machine, and the Node's labels are its own. */
export function ofNodeCell(target: Target): Standpoint {
  return { nodes: labelledNodes(target), isLifted: () => false };
}

/** The names of its nodes. */
export function nodeNames({ nodes }: Target): readonly string[] {
  return nodes.map(({ name }) => name);
}
