import type { ClusterTools } from './kubectl.ts';

/** What the tests read of a pod. */
export interface Pod {
  metadata: { name: string; uid: string; annotations: Record<string, string>; deletionTimestamp?: string };
  status: {
    phase: string;
    reason?: string;
    conditions: { type: string; status: string }[];
    containerStatuses: { restartCount: number; containerID: string }[];
  };
}

/** What must not change for a pod that did not notice. */
export interface PodIdentity {
  readonly name: string;
  readonly uid: string;
  readonly cell: string | undefined;
  readonly containers: readonly string[];
  readonly deleting: boolean;
  readonly ready: boolean;
}

function identityIn({ metadata, status }: Pod): PodIdentity {
  const { name, uid, annotations, deletionTimestamp } = metadata;
  const containers = status.containerStatuses.map(
    ({ containerID, restartCount }) => `${containerID} restarted ${restartCount} times`,
  );
  const ready = status.conditions.some((one) => one.type === 'Ready' && one.status === 'True');
  const deleting = deletionTimestamp !== undefined;
  return { name, uid, cell: annotations['nodeless.io/cell'], containers, deleting, ready };
}

export async function identityOf({ get }: ClusterTools, name: string): Promise<PodIdentity> {
  return identityIn(await get<Pod>('pod', name));
}

/** Of every pod of the default namespace, by name. */
export async function identities({ get }: ClusterTools): Promise<readonly PodIdentity[]> {
  const { items } = await get<{ items: Pod[] }>('pods');
  return items.map(identityIn).sort((a, b) => a.name.localeCompare(b.name));
}
