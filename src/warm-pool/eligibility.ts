import { selects } from '../core/label-selector.ts';
import type { WarmPool } from '../core/warm-pool.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { WirePod } from '../kube/wire-pod.ts';

/** Whether a pool is for a pod by its namespace and labels; whether its cells will do for it is another question. */
export function isFor({ spec }: Pick<WarmPool, 'spec'>, { metadata }: Pick<WirePod, 'metadata'>): boolean {
  const { namespace = 'default', labels = {} } = metadata;
  if (spec.namespaces !== undefined && !spec.namespaces.includes(namespace)) return false;
  return spec.selector === undefined || selects(spec.selector, labels);
}

/** The virtual node that asks: where each zone has one, it keeps the pools of its zone, and the first also those of none. */
export interface KeepingNode {
  readonly zone?: string | undefined;
  readonly isFirst: boolean;
}

/** The zone that a pool's object names, whether or not the object is valid. */
export function zoneOf(object: KubeObject): string | undefined {
  const { zone } = (object.spec ?? {}) as { readonly zone?: unknown };
  return typeof zone === 'string' ? zone : undefined;
}

/** Whether a virtual node keeps a pool. */
export function isKeptBy(
  { spec }: { readonly spec: Pick<WarmPool['spec'], 'zone'> },
  { zone, isFirst }: KeepingNode,
): boolean {
  if (zone === undefined) return true;
  return spec.zone === undefined ? isFirst : spec.zone === zone;
}

/** The pods that a pool is for, as a scale tells of them: never empty. */
export function selectorText({ name, spec }: Pick<WarmPool, 'name' | 'spec'>): string {
  const { matchLabels = {}, matchExpressions = [] } = spec.selector ?? {};
  const terms = [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, operator, values = [] }) => {
      if (operator === 'Exists') return key;
      if (operator === 'DoesNotExist') return `!${key}`;
      return `${key} ${operator.toLowerCase()} (${values.join(',')})`;
    }),
  ];
  return terms.length === 0 ? `nodeless.io/pool=${name}` : terms.join(',');
}
