import type { V1Toleration } from '@kubernetes/client-node';

/** A taint, as a Node has it. */
export interface NodeTaint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/** Whether a toleration matches a taint, as k8s.io/api `ToleratesTaint` has it. */
export function tolerates(toleration: V1Toleration, taint: NodeTaint): boolean {
  const { key = '', operator = 'Equal', value = '', effect = '' } = toleration;
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  return operator === 'Exists' || (operator === 'Equal' && key !== '' && value === (taint.value ?? ''));
}
