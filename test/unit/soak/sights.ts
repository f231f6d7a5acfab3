import type { CellAttack } from '../../soak/actions.ts';
import type { ApiSeen, CellAttacked, MachineSeen, Observation, PodSeen } from '../../soak/observation.ts';

/** Observations as a soak that goes well makes them, to be spoilt by tests. */
export function podOf(given: Partial<PodSeen> = {}): PodSeen {
  return {
    uid: 'uid-a',
    name: 'web-a',
    cellId: 'cell-a',
    phase: 'Running',
    ready: true,
    handedOver: true,
    deleting: false,
    ofJob: false,
    containers: [{ name: 'main', id: 'containerd://1', restarts: 0 }],
    ...given,
  };
}

export const ONE_EACH = { supervisor: 1, containerd: 1, kubelet: 1 };

export function machineOf(given: Partial<MachineSeen> = {}): MachineSeen {
  return {
    cellId: 'cell-a',
    podUid: 'uid-a',
    ofPool: false,
    createdAtMs: 0,
    state: 'running',
    programs: ONE_EACH,
    kubeletFolders: 1,
    volumesOf: [],
    ...given,
  };
}

export function apiOf(...pods: readonly PodSeen[]): ApiSeen {
  return { pods, nodeReady: 'True', cells: pods.flatMap(({ cellId }) => cellId ?? []), warmCells: 0 };
}

export function attackOn(cellId: string, kind: CellAttack, atMs = 0): CellAttacked {
  return { cellId, kind, atMs };
}

/** One pod, Ready on its cell, and a provider that has always served. */
export function sightOf(given: Partial<Observation> = {}): Observation {
  return {
    atMs: 0,
    servingSinceMs: 0,
    providerMustRun: true,
    providerPids: [42],
    api: apiOf(podOf()),
    machines: [machineOf()],
    namespaces: ['cell-a'],
    cgroups: ['cell-a'],
    mounts: [{ cellId: 'cell-a', kind: 'namespace', point: '/run/netns/nodeless-soak-cell-a' }],
    attacks: [],
    ...given,
  };
}

/** Nobody serves: an observation without `servingSinceMs`. */
export function unserved(given: Partial<Observation> = {}): Observation {
  const { servingSinceMs: _, ...rest } = sightOf(given);
  return rest;
}
