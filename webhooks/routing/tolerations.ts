import type { V1Toleration } from '@kubernetes/client-node';
import { tolerates } from '../../src/core/tolerates.ts';
import type { TargetTaint } from './target.ts';

/** What the node controller puts on a node that is silent; an outage of ours must not cost pods anything. */
const SILENCE = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'] as const;
/** The API server's own DefaultTolerationSeconds has added tolerations of so long before a webhook sees the pod. */
const DEFAULT_SECONDS = 300;

function endless(key: string): V1Toleration {
  return { key, operator: 'Exists', effect: 'NoExecute' };
}

function isDefault(toleration: V1Toleration, seconds: number | undefined): boolean {
  const { key = '', operator, effect, tolerationSeconds, value = '' } = toleration;
  const named = SILENCE.some((name) => name === key);
  return named && operator === 'Exists' && effect === 'NoExecute' && value === '' && tolerationSeconds === seconds;
}

function tolerationOf({ key, value, effect }: TargetTaint): V1Toleration {
  return value === undefined || value === ''
    ? { key, operator: 'Exists', effect }
    : { key, operator: 'Equal', value, effect };
}

function isSame(a: V1Toleration, b: V1Toleration): boolean {
  const fields = ['key', 'operator', 'value', 'effect', 'tolerationSeconds'] as const;
  return fields.every((field) => a[field] === b[field]);
}

/**
 * A pod's tolerations with those of the virtual node's taints, and with the defaults for a silent node made endless.
 * The first toleration that matches a taint decides, so defaults are replaced where they stand; seconds that a user
 * has chosen are kept.
 */
export function tolerating(tolerations: readonly V1Toleration[], taints: readonly TargetTaint[]): V1Toleration[] {
  const kept = tolerations.map((one) => (isDefault(one, DEFAULT_SECONDS) ? endless(one.key ?? '') : one));
  const silence = SILENCE.filter(
    (key) => !kept.some((one) => tolerates(one, { key, value: '', effect: 'NoExecute' })),
  ).map(endless);
  const missing = taints.filter((taint) => !kept.some((one) => tolerates(one, taint)));
  return [...kept, ...silence, ...missing.map(tolerationOf)];
}

/** The inverse, for a pod that is not routed after all. */
export function withoutTolerating(
  tolerations: readonly V1Toleration[],
  taints: readonly TargetTaint[],
): readonly V1Toleration[] {
  const added = taints.map(tolerationOf);
  return tolerations
    .filter((one) => !added.some((ours) => isSame(ours, one)))
    .map((one) => (isDefault(one, undefined) ? { ...one, tolerationSeconds: DEFAULT_SECONDS } : one));
}
