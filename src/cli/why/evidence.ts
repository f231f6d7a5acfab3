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

/** Reads what there is of a pod. @throws NodelessError NotFound */
export async function readEvidence(client: KubeClient, namespace: string, name: string): Promise<Evidence> {
  const pod = await getOrUndefined<WirePod>(client, `/api/v1/namespaces/${namespace}/pods/${name}`);
  if (pod === undefined) {
    const message = `there is no pod ${name} in namespace ${namespace}; another namespace is given by -n`;
    throw new NodelessError({ code: 'NotFound', message, identity: { pod: `${namespace}/${name}` } });
  }
  const fieldSelector = `involvedObject.uid=${pod.metadata.uid}`;
  const path = `/api/v1/namespaces/${namespace}/events`;
  const { items } = await call<{ items: PodEvent[] }>(client, { method: 'GET', path, query: { fieldSelector } });
  const cellId = pod.metadata.annotations?.[CELL_ANNOTATION];
  const cell =
    cellId === undefined
      ? undefined
      : await getOrUndefined<KubeObject>(client, `/apis/${GROUP}/${VERSION}/cells/${cellId}`);
  return { pod, events: items, ...(cell === undefined ? {} : { cell }) };
}
