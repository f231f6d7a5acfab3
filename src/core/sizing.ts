import type { V1Container, V1PodSpec, V1PodStatus } from '@kubernetes/client-node';
import { type Amounts, amountsOf, largerOf, NO_AMOUNTS, type ResourceList, resourcesFrom, sumOf } from './amounts.ts';
import { NOTHING, type Resources } from './resources.ts';

/** What sizing reads of a pod, or of a pod template. */
export interface SizedPod {
  readonly spec?: V1PodSpec;
  readonly status?: V1PodStatus;
}

interface Lists {
  readonly limits?: ResourceList;
  readonly requests?: ResourceList;
}

/** A limit without a request counts as the request, as API defaulting makes it; of a stored pod nothing is left to default. */
function wantedBy(container: V1Container): Amounts {
  const { limits, requests } = (container.resources ?? {}) as Lists;
  return amountsOf({ ...limits, ...requests });
}

function isSidecar({ restartPolicy }: V1Container): boolean {
  return restartPolicy === 'Always';
}

function isResizeInfeasible({ status }: SizedPod): boolean {
  return status?.conditions?.find(({ type }) => type === 'PodResizePending')?.reason === 'Infeasible';
}

/** While a resize is under way or put off, the largest of what is asked for and what the kubelet has given counts. */
function requestsOf(pod: SizedPod): (container: V1Container) => Amounts {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const statuses = new Map([...containerStatuses, ...initContainerStatuses].map((status) => [status.name, status]));
  const infeasible = isResizeInfeasible(pod);
  return (container) => {
    const status = statuses.get(container.name);
    if (status?.resources === undefined) return wantedBy(container);
    const actual = amountsOf(status.resources.requests as ResourceList | undefined);
    const given = largerOf(actual, amountsOf(status.allocatedResources as ResourceList | undefined));
    return infeasible ? given : largerOf(wantedBy(container), given);
  };
}

/** `max(Σ containers + Σ sidecars, each init container + the sidecars started before it)`. */
function containersRequest(spec: V1PodSpec, requestOf: (container: V1Container) => Amounts): Amounts {
  let running = spec.containers.map(requestOf).reduce(sumOf, NO_AMOUNTS);
  let sidecars = NO_AMOUNTS;
  let initPeak = NO_AMOUNTS;
  for (const container of spec.initContainers ?? []) {
    if (isSidecar(container)) {
      const request = requestOf(container);
      running = sumOf(running, request);
      sidecars = sumOf(sidecars, request);
      initPeak = largerOf(initPeak, sidecars);
    } else {
      initPeak = largerOf(initPeak, sumOf(wantedBy(container), sidecars));
    }
  }
  return largerOf(running, initPeak);
}

function isPodLevel(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');
}

/**
 * Pod-level requests, of which not all names count. Where there are pod-level limits, a request that is not given is what
 * the containers' specs ask for, and without that the limit; of huge pages, which can't be overcommitted, the limit comes
 * first. That is API defaulting, which changes nothing of a stored pod.
 */
function podLevelOf(spec: V1PodSpec): Amounts {
  const { limits, requests } = (spec.resources ?? {}) as Lists;
  const given = [...amountsOf(requests)];
  const bounds = amountsOf(limits);
  if (bounds.size === 0) return new Map(given.filter(([name]) => isPodLevel(name)));
  const overcommitted = [...containersRequest(spec, wantedBy)].filter(([name]) => !name.startsWith('hugepages-'));
  return new Map([...bounds, ...overcommitted, ...given].filter(([name]) => isPodLevel(name)));
}

/**
 * What the scheduler and the kubelet count for a pod: what its containers ask for together, replaced per resource by
 * pod-level requests, plus overhead. Source: k8s.io/component-helpers/resource `PodRequests` with `UseStatusResources`.
 * @throws NodelessError InvalidQuantity
 */
export function effectiveRequest(pod: SizedPod): Resources {
  const { spec } = pod;
  if (spec === undefined) return NOTHING;
  const total = new Map([...containersRequest(spec, requestsOf(pod)), ...podLevelOf(spec)]);
  return resourcesFrom(sumOf(total, amountsOf(spec.overhead as ResourceList | undefined)));
}

/** What a pod takes of its machine: its effective request, and the default in each dimension that it leaves open. */
export function podNeed(pod: SizedPod, defaults: Resources): Resources {
  const request = effectiveRequest(pod);
  return {
    ...request,
    cpuMilli: request.cpuMilli === 0 ? defaults.cpuMilli : request.cpuMilli,
    memoryBytes: request.memoryBytes === 0 ? defaults.memoryBytes : request.memoryBytes,
  };
}
