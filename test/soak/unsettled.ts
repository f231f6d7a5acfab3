import { type ApiSeen, isFinished, isWaiting, type Observation } from './observation.ts';

/** A Deployment, as far as it tells whether it has what it wants. */
export interface DeploymentSeen {
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly spec: { readonly replicas: number };
  readonly status: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly readyReplicas?: number;
    readonly updatedReplicas?: number;
  };
}

function isRolledOut({ metadata, spec, status }: DeploymentSeen): boolean {
  const { observedGeneration, replicas = 0, readyReplicas = 0, updatedReplicas = 0 } = status;
  if (observedGeneration !== metadata.generation) return false;
  return [replicas, readyReplicas, updatedReplicas].every((count) => count === spec.replicas);
}

/** What is in one of two sets only. */
function difference(what: string, found: Iterable<string>, wanted: Iterable<string>): readonly string[] {
  const [foundSet, wantedSet] = [new Set(found), new Set(wanted)];
  return [
    ...[...foundSet].filter((one) => !wantedSet.has(one)).map((one) => `${what} ${one} is not wanted`),
    ...[...wantedSet].filter((one) => !foundSet.has(one)).map((one) => `${what} ${one} is missing`),
  ];
}

/**
 * What is not yet as it is to be when everything is left alone: every pod Ready or finished, each unfinished one with
 * the one cell that it names, as many that wait in pools as are to, and nothing else of any cell. Empty when it has settled.
 */
export function unsettled(seen: Observation, deployments: readonly DeploymentSeen[]): readonly string[] {
  const { api, machines, namespaces, cgroups, servingSinceMs } = seen;
  if (api === undefined || servingSinceMs === undefined) return ['no provider serves'];
  const waiting = machines.filter(isWaiting).map(({ cellId }) => cellId);
  const wanted = [...wantedCells(api), ...waiting];
  return [
    ...(waiting.length === api.warmCells ? [] : [`${waiting.length} cells wait, and ${api.warmCells} are to`]),
    ...deployments
      .filter((one) => !isRolledOut(one))
      .map(({ metadata }) => `deployment ${metadata.name} is not rolled out`),
    ...api.pods
      .filter((pod) => pod.deleting || !(pod.ready || isFinished(pod)))
      .map(({ name, phase, deleting }) => `pod ${name} is ${deleting ? 'Terminating' : `${phase}, not Ready`}`),
    ...difference(
      'machine',
      machines.map(({ cellId, state }) => (state === 'running' ? cellId : `${cellId} (${state})`)),
      wanted,
    ),
    ...difference('network namespace of', namespaces, wanted),
    ...difference('cgroup of', cgroups, wanted),
    ...difference('Cell object', api.cells, wanted),
  ];
}

function wantedCells({ pods }: ApiSeen): readonly string[] {
  return pods.filter((pod) => !isFinished(pod)).map(({ name, cellId }) => cellId ?? `of pod ${name}`);
}
