/** How a pod is deleted: with its grace period, or at once and without waiting for its kubelet. */
export type Deletion = 'graceful' | 'forced';

/** What a user does. */
export type WorkloadAction =
  | { readonly kind: 'createPod'; readonly name: string; readonly stubborn: boolean }
  | { readonly kind: 'createDeployment'; readonly name: string; readonly replicas: number }
  | { readonly kind: 'createJob'; readonly name: string; readonly pods: number; readonly seconds: number }
  | { readonly kind: 'scale'; readonly name: string; readonly replicas: number }
  | { readonly kind: 'update'; readonly name: string; readonly revision: number }
  | { readonly kind: 'deletePod'; readonly name: string; readonly how: Deletion }
  | { readonly kind: 'deleteReplica'; readonly victim: number; readonly how: Deletion }
  | { readonly kind: 'deleteDeployment'; readonly name: string }
  | { readonly kind: 'deleteJob'; readonly name: string }
  | { readonly kind: 'changeConfigMap'; readonly revision: number }
  | { readonly kind: 'labelPod'; readonly victim: number; readonly revision: number };

/** What goes wrong. `victim` is a share of those that there are then, oldest first: 0.5 is the one in the middle. */
export type Attack =
  | { readonly kind: 'killProvider' | 'stopProvider' | 'startProvider' | 'freezeProvider' | 'thawProvider' }
  | { readonly kind: 'killApiServer' | 'startApiServer' | 'freezeApiServer' | 'thawApiServer' }
  | { readonly kind: 'killLaunch' }
  | { readonly kind: 'killKubelet' | 'killContainerd' | 'killCell' | 'deleteCell'; readonly victim: number };

/** Attacks on a cell that runs, and on one that does not yet. */
export type CellAttack = Extract<Attack, { readonly victim: number }>['kind'] | 'killLaunch';

/** What an action was done to when there was nobody to do it to. */
export const NOBODY = 'nobody';

/** `settle`: leave everything alone until all is as it is to be. */
export type Action = WorkloadAction | Attack | { readonly kind: 'settle' };

/** One step of a plan: wait so long, then do this. */
export interface Step {
  readonly index: number;
  /** The pause begins when the provider serves, however long it takes to start. */
  readonly onceServed?: true;
  readonly pauseMs: number;
  readonly action: Action;
}

/** The one that a share of one chooses among several; undefined of none. */
export function chosen<T>(victim: number, among: readonly T[]): T | undefined {
  return among[Math.floor(victim * among.length)];
}
