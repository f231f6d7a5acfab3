import { NodelessError } from '../../core/errors.ts';
import { CELL_ANNOTATION, GROUP, VERSION } from '../../core/names.ts';
import { call, getOrUndefined } from '../../kube/calls.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/objects.ts';
import type { WirePod } from '../../kube/wire-pod.ts';

/** A Kubernetes event, as far as it is told. */
export interface PodEvent {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly source?: { readonly component?: string };
  readonly reportingComponent?: string;
}

/** All that a cluster still has of what happened to a pod. */
export interface Evidence {
  readonly pod: WirePod;
  /** The Cell object that its annotation names, while there is one. */
  readonly cell?: KubeObject;
  readonly events: readonly PodEvent[];
}

async function eventsOf(client: KubeClient, namespace: string, fieldSelector: string): Promise<readonly PodEvent[]> {
  const path = `/api/v1/namespaces/${namespace}/events`;
  const { items } = await call<{ items: PodEvent[] }>(client, { method: 'GET', path, query: { fieldSelector } });
  return items;
}

/** When an event was told last; RFC 3339, empty when nobody wrote it down. */
export function timeOf({ lastTimestamp, eventTime, firstTimestamp }: PodEvent): string {
  return lastTimestamp ?? eventTime ?? firstTimestamp ?? '';
}

/** Says that a pod is not there, and what was told of it last: why it was sent to another zone, for one. */
function missing(namespace: string, name: string, events: readonly PodEvent[]): string {
  const last = events.toSorted((a, b) => Date.parse(timeOf(a)) - Date.parse(timeOf(b))).at(-1);
  if (last === undefined) return `there is no pod ${name} in namespace ${namespace}; another namespace is given by -n`;
  return `there is no pod ${name} in namespace ${namespace} any more; the last that was told of it, at ${timeOf(last)}: ${last.reason}: ${last.message}`;
}

/** Reads what there is of a pod. @throws NodelessError NotFound */
export async function readEvidence(client: KubeClient, namespace: string, name: string): Promise<Evidence> {
  const pod = await getOrUndefined<WirePod>(client, `/api/v1/namespaces/${namespace}/pods/${name}`);
  if (pod === undefined) {
    const left = await eventsOf(client, namespace, `involvedObject.kind=Pod,involvedObject.name=${name}`);
    throw new NodelessError({
      code: 'NotFound',
      message: missing(namespace, name, left),
      identity: { pod: `${namespace}/${name}` },
    });
  }
  const items = await eventsOf(client, namespace, `involvedObject.uid=${pod.metadata.uid}`);
  const cellId = pod.metadata.annotations?.[CELL_ANNOTATION];
  const cell =
    cellId === undefined
      ? undefined
      : await getOrUndefined<KubeObject>(client, `/apis/${GROUP}/${VERSION}/cells/${cellId}`);
  return { pod, events: items, ...(cell === undefined ? {} : { cell }) };
}
