import type { V1NodeSelectorTerm, V1PodSpec } from '@kubernetes/client-node';
import {
  type Constraints,
  canonicalLabel,
  OFFERING_LABELS,
  type Requirement,
  type Term,
  UNCONSTRAINED,
} from '../core/constraints.ts';

const OPERATORS: readonly string[] = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

function termOf({ matchExpressions = [] }: V1NodeSelectorTerm): Term {
  const isOurs = ({ key, operator }: { key: string; operator: string }) =>
    OFFERING_LABELS.includes(key) && OPERATORS.includes(operator);
  return matchExpressions
    .map((one) => ({ ...one, key: canonicalLabel(one.key) }))
    .filter(isOurs) as unknown as readonly Requirement[];
}

/**
 * What a pod's own node selector and required node affinity ask of its machine. The webhook leaves nothing of it there,
 * but a pod may come past the webhook; its cell's kubelet judges it by these labels, so a cell that lacks them is no use.
 */
export function ownConstraints(spec: V1PodSpec): Constraints {
  const selected = Object.entries(spec.nodeSelector ?? {})
    .map(([key, value]) => [canonicalLabel(key), value] as const)
    .filter(([key]) => OFFERING_LABELS.includes(key))
    .map(([key, value]): Requirement => ({ key, operator: 'In', values: [value] }));
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const terms = required.map((term) => [...selected, ...termOf(term)]);
  const either = terms.length === 0 ? [selected] : terms;
  return either.some((term) => term.length === 0) ? UNCONSTRAINED : { required: either };
}
