import type { V1NodeSelectorRequirement, V1NodeSelectorTerm, V1PodSpec } from '@kubernetes/client-node';
import { meets, type Requirement } from './constraints.ts';

/** A Node, as far as pods select it. */
export interface SelectableNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Whether a pod's node selector and required node affinity let it be on a node, as the scheduler has it. */
export function selectsNode({ nodeSelector = {}, affinity }: V1PodSpec, { name, labels }: SelectableNode): boolean {
  const isMet = (one: V1NodeSelectorRequirement, has: Readonly<Record<string, string>>) =>
    meets(one as Requirement, has);
  const isMetBy = ({ matchExpressions = [], matchFields = [] }: V1NodeSelectorTerm) =>
    matchExpressions.length + matchFields.length > 0 &&
    matchExpressions.every((one) => isMet(one, labels)) &&
    matchFields.every((one) => isMet(one, { 'metadata.name': name }));
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const isSelected = Object.entries(nodeSelector).every(
    ([key, value]) => Object.hasOwn(labels, key) && labels[key] === value,
  );
  return isSelected && (terms === undefined || terms.some(isMetBy));
}
