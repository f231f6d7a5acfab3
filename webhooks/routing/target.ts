import { OFFERING_LABELS, ZONE_LABEL } from '../../src/core/constraints.ts';
import { VIRTUAL_NODE_LABEL } from '../../src/core/names.ts';

/** A taint of the virtual node that pods on it have to tolerate. */
export interface TargetTaint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/** The virtual node, as far as routing to it goes. */
export interface Target {
  readonly name: string;
  /** What the Node has now, with what it is configured to have. */
  readonly labels: Readonly<Record<string, string>>;
  /** Those it is configured to have: the rest comes and goes, and is for a reason. */
  readonly taints: readonly TargetTaint[];
}

/** How terms are judged against the virtual node: by which labels, and which labels are the machines' own. */
export interface Standpoint {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  isLifted(label: string): boolean;
}

function labelsOfTarget({ name, labels }: Target): Readonly<Record<string, string>> {
  return { ...labels, [VIRTUAL_NODE_LABEL]: name };
}

/** For pods with machines of their own; the Node of one zone is itself held to its zone. */
export function ofCells(target: Target): Standpoint {
  const labels = labelsOfTarget(target);
  const { name } = target;
  const isLifted = (label: string) =>
    OFFERING_LABELS.includes(label) && !(label === ZONE_LABEL && Object.hasOwn(labels, ZONE_LABEL));
  return { name, labels, isLifted };
}

/** For pods of the node cell: it is one machine, and the Node's labels are its own. */
export function ofNodeCell(target: Target): Standpoint {
  return { name: target.name, labels: labelsOfTarget(target), isLifted: () => false };
}
