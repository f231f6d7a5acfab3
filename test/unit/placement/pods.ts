import type { V1PodAffinityTerm } from '@kubernetes/client-node';
import type { WirePod } from '../../../src/kube/wire-pod.ts';

/** A term about pods with this `app` on the same host. */
export function onHostOf(app: string, more: Partial<V1PodAffinityTerm> = {}): V1PodAffinityTerm {
  return { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app } }, ...more };
}

interface Shape {
  readonly app?: string;
  readonly namespace?: string;
  readonly with?: readonly V1PodAffinityTerm[];
  readonly apart?: readonly V1PodAffinityTerm[];
  readonly cpu?: string;
}

/** A pod as far as its company matters. */
export function podOf(name: string, shape: Shape = {}): WirePod {
  const { app = name, namespace = 'ns', with: wanted = [], apart = [], cpu = '100m' } = shape;
  const terms = (list: readonly V1PodAffinityTerm[]) =>
    list.length === 0 ? {} : { requiredDuringSchedulingIgnoredDuringExecution: [...list] };
  return {
    metadata: { name, namespace, uid: `uid-${name}`, labels: { app } },
    spec: {
      containers: [{ name: 'c', resources: { requests: { cpu, memory: '64Mi' } } }],
      affinity: { podAffinity: terms(wanted), podAntiAffinity: terms(apart) },
    },
  };
}
