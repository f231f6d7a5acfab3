import type { V1PodSpec } from '@kubernetes/client-node';
import type { CellClassSpec } from '../core/cell-class.ts';
import { add, NOTHING, type Resources } from '../core/resources.ts';
import { effectiveRequest } from '../core/sizing.ts';
import type { CollectionReader } from '../kube/collection.ts';
import type { KubeObject } from '../kube/objects.ts';

/** What sizing reads of DaemonSets. */
export type DaemonSets = Pick<CollectionReader<KubeObject>, 'get'>;

/** What the agents of a class request together; a DaemonSet that does not exist has no pod to make room for. */
export function agentsRequest({ agents }: CellClassSpec, daemonSets: DaemonSets): Resources {
  return agents
    .map(({ namespace, daemonSet }) => {
      const spec = daemonSets.get(namespace, daemonSet)?.spec as { template?: { spec?: V1PodSpec } } | undefined;
      return effectiveRequest(spec?.template ?? {});
    })
    .reduce(add, NOTHING);
}
