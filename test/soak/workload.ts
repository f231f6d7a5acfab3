import type { WorkloadAction } from './actions.ts';
import { type Random, weighted } from './random.ts';

/** So many pods are wanted at once at most; a rolling update adds one for each Deployment. */
const MOST_PODS = 8;
const MOST_REPLICAS = 4;

/** What there is to be in the cluster, by the plan alone. */
export interface Workload {
  /** Replicas by Deployment. */
  readonly deployments: Map<string, number>;
  /** Pods by Job. */
  readonly jobs: Map<string, number>;
  readonly pods: Set<string>;
  /** Of names and revisions; never the same twice. */
  serial: number;
}

export function emptyWorkload(): Workload {
  return { deployments: new Map(), jobs: new Map(), pods: new Set(), serial: 0 };
}

/** The pods that are wanted now. */
export function wantedPods({ deployments, jobs, pods }: Workload): number {
  return [...deployments.values(), ...jobs.values()].reduce((sum, count) => sum + count, pods.size);
}

interface Choice {
  readonly weight: number;
  readonly make: () => WorkloadAction;
}

/** Choices are void when there is nothing that they could be done to, or no room. */
function choices(workload: Workload, random: Random): readonly Choice[] {
  const { deployments, jobs, pods } = workload;
  const room = MOST_PODS - wantedPods(workload);
  const when = (possible: boolean, weight: number) => (possible ? weight : 0);
  const nameOf = (names: Iterable<string>) => random.pick([...names]) ?? '';
  const fresh = (kind: string) => `${kind}-${++workload.serial}`;
  const how = () => (random.chance(0.3) ? 'forced' : 'graceful');
  return [
    {
      weight: when(room > 0 && pods.size < 3, 5),
      make: () => ({ kind: 'createPod', name: fresh('bare'), stubborn: random.chance(0.3) }),
    },
    {
      weight: when(room > 0 && deployments.size < 3, 5),
      make: () => ({
        kind: 'createDeployment',
        name: fresh('web'),
        replicas: random.between(1, Math.min(room, MOST_REPLICAS)),
      }),
    },
    {
      weight: when(room > 0 && jobs.size < 2, 3),
      make: () => ({
        kind: 'createJob',
        name: fresh('job'),
        pods: random.between(1, Math.min(room, 2)),
        seconds: random.between(0, 6),
      }),
    },
    {
      weight: when(deployments.size > 0, 5),
      make: () => {
        const name = nameOf(deployments.keys());
        const most = Math.min((deployments.get(name) ?? 0) + Math.max(room, 0), MOST_REPLICAS);
        return { kind: 'scale', name, replicas: random.between(0, most) };
      },
    },
    {
      weight: when(deployments.size > 0, 4),
      make: () => ({ kind: 'update', name: nameOf(deployments.keys()), revision: ++workload.serial }),
    },
    { weight: when(pods.size > 0, 3), make: () => ({ kind: 'deletePod', name: nameOf(pods), how: how() }) },
    {
      weight: when(deployments.size > 0, 3),
      make: () => ({ kind: 'deleteReplica', victim: random.fraction(), how: how() }),
    },
    {
      weight: when(deployments.size > 0, 1),
      make: () => ({ kind: 'deleteDeployment', name: nameOf(deployments.keys()) }),
    },
    { weight: when(jobs.size > 0, 2), make: () => ({ kind: 'deleteJob', name: nameOf(jobs.keys()) }) },
    { weight: 1, make: () => ({ kind: 'changeConfigMap', revision: ++workload.serial }) },
    { weight: 2, make: () => ({ kind: 'labelPod', victim: random.fraction(), revision: ++workload.serial }) },
  ];
}

function carryOut({ deployments, jobs, pods }: Workload, action: WorkloadAction): void {
  if (action.kind === 'createPod') pods.add(action.name);
  if (action.kind === 'deletePod') pods.delete(action.name);
  if (action.kind === 'createDeployment' || action.kind === 'scale') deployments.set(action.name, action.replicas);
  if (action.kind === 'deleteDeployment') deployments.delete(action.name);
  if (action.kind === 'createJob') jobs.set(action.name, action.pods);
  if (action.kind === 'deleteJob') jobs.delete(action.name);
}

/** The next thing that a user does; the workload is as it is after that. */
export function nextWorkloadAction(workload: Workload, random: Random): WorkloadAction {
  const action = weighted(random, choices(workload, random))?.make();
  if (action === undefined) throw new Error('no action has any weight');
  carryOut(workload, action);
  return action;
}
