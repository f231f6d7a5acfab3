import type { V1PodSpec, V1PodStatus } from '@kubernetes/client-node';
import type { KubeObject } from './objects.ts';

/** A pod as it comes over the wire: times are strings. */
export interface WirePod extends KubeObject {
  spec: V1PodSpec;
  status?: V1PodStatus;
}

/** The namespace in a pod's name of the form `namespace/name`. */
export function namespaceIn(name: string): string {
  return name.split('/')[0] ?? '';
}

/** `namespace/name`, as people and tags know a pod. */
export function podName(pod: KubeObject): string {
  return `${pod.metadata.namespace ?? 'default'}/${pod.metadata.name}`;
}
