import type { Registry } from 'prom-client';
import { numberOf } from '../core/quantity.ts';
import { numbersOf } from '../core/resources.ts';
import { effectiveRequest } from '../core/sizing.ts';
import type { CollectionReader } from '../kube/collection.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import { gaugeIn } from '../telemetry/metrics.ts';
import { viewOf } from './pod-view.ts';

/** Collections replace what changes, so what was counted of an object stays. */
const COUNTED = new WeakMap<WirePod, Readonly<Record<string, number>>>();

/** What a pod takes of its node, by resource name; nothing where its quantities can't be read. */
function requestOf(pod: WirePod): Readonly<Record<string, number>> {
  try {
    return { ...numbersOf(effectiveRequest(pod)), pods: 1 };
  } catch {
    return { pods: 1 };
  }
}

/** What pods that have not finished request of these resources: cores, bytes, or a number, by resource name. */
export function requestedOf(pods: Iterable<WirePod>, resources: readonly string[]): Readonly<Record<string, number>> {
  const sum = Object.fromEntries(resources.map((resource) => [resource, 0]));
  for (const pod of pods) {
    const request = COUNTED.get(pod) ?? (viewOf(pod).finished ? {} : requestOf(pod));
    COUNTED.set(pod, request);
    // No other resources: a pod that came past the scheduler may name as many as it likes.
    for (const resource of resources) sum[resource] = (sum[resource] ?? 0) + (request[resource] ?? 0);
  }
  return sum;
}

/** Shows in a registry what a virtual node advertises, and what the pods bound to it request. */
export function showCapacity({
  pods,
  capacity,
  registry,
}: {
  readonly pods: CollectionReader<WirePod>;
  /** Kubernetes quantities by resource name. */
  readonly capacity: Readonly<Record<string, string>>;
  readonly registry: Registry;
}): void {
  const advertised = gaugeIn(registry, {
    name: 'nodeless_node_allocatable',
    help: 'What the virtual node advertises: cores, bytes, or a number, by resource.',
    labelNames: ['resource'],
  });
  for (const [resource, quantity] of Object.entries(capacity)) advertised.set({ resource }, numberOf(quantity));
  gaugeIn(registry, {
    name: 'nodeless_node_requested',
    help: 'What the pods of the virtual node that have not finished request, in the same units.',
    labelNames: ['resource'],
    collect: (gauge) => {
      const requested = requestedOf(pods.items(), Object.keys(capacity));
      for (const [resource, amount] of Object.entries(requested)) gauge.set({ resource }, amount);
    },
  });
}
