import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import { add, most, NOTHING, type ResourceList, type Resources, resourcesOf } from './resources.ts';

function requestOf(container: V1Container): Resources {
  const limits = container.resources?.limits as ResourceList | undefined;
  const requests = container.resources?.requests as ResourceList | undefined;
  return resourcesOf({ ...limits, ...requests });
}

/**
 * What the scheduler and the kubelet count for a pod: `max(Σ containers + Σ sidecars, each init container
 * + the sidecars started before it)`, replaced per resource by pod-level requests, plus overhead.
 * A limit without a request counts as the request, as API defaulting makes it.
 * Source: k8s.io/component-helpers/resource `PodRequests`.
 */
export function effectiveRequest(pod: { readonly spec?: V1PodSpec }): Resources {
  const spec = pod.spec;
  if (spec === undefined) return NOTHING;
  let running = spec.containers.map(requestOf).reduce(add, NOTHING);
  let sidecars = NOTHING;
  let initPeak = NOTHING;
  for (const container of spec.initContainers ?? []) {
    const request = requestOf(container);
    if (container.restartPolicy === 'Always') {
      running = add(running, request);
      sidecars = add(sidecars, request);
      initPeak = most(initPeak, sidecars);
    } else {
      initPeak = most(initPeak, add(request, sidecars));
    }
  }
  const fromContainers = most(running, initPeak);
  const podLevel = spec.resources?.requests as ResourceList | undefined;
  const total = podLevel === undefined ? fromContainers : overriddenBy(fromContainers, podLevel);
  return add(total, resourcesOf(spec.overhead as ResourceList | undefined));
}

function overriddenBy(base: Resources, podLevel: ResourceList): Resources {
  const own = resourcesOf(podLevel);
  return {
    ...base,
    cpuMilli: podLevel.cpu === undefined ? base.cpuMilli : own.cpuMilli,
    memoryBytes: podLevel.memory === undefined ? base.memoryBytes : own.memoryBytes,
  };
}

/** What a pod's cell must have allocatable: its effective request, and the default in each dimension that it leaves open. */
export function podNeed(pod: { readonly spec?: V1PodSpec }, defaults: Resources): Resources {
  const request = effectiveRequest(pod);
  return {
    ...request,
    cpuMilli: request.cpuMilli === 0 ? defaults.cpuMilli : request.cpuMilli,
    memoryBytes: request.memoryBytes === 0 ? defaults.memoryBytes : request.memoryBytes,
  };
}
