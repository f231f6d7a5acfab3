import { WARM_POOLS_PATH } from '../../src/core/names.ts';
import { call, isStatus } from '../../src/kube/calls.ts';
import type { KubeClient, KubeRequest } from '../../src/kube/client.ts';
import { eventually } from '../support/wait.ts';
import { chosen, type Deletion, NOBODY, type WorkloadAction } from './actions.ts';
import { NAMESPACE } from './api-view.ts';
import { barePod, CONFIG_MAP, deployment, job, revisionPatch, settings, WARM_POOL, warmPool } from './objects.ts';
import type { PodSeen } from './observation.ts';

const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
const CONFIG_MAPS = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
export const DEPLOYMENTS = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;
const JOBS = `/apis/batch/v1/namespaces/${NAMESPACE}/jobs`;
const TIMEOUT_MS = 30_000;

/** What a person with kubectl does to the cluster; resolves with what it was done to. */
export interface User {
  /** `pods` are those that were seen last. */
  act(action: WorkloadAction, pods: readonly PodSeen[]): Promise<string>;
  /** Makes what the plan takes for granted. */
  prepare(): Promise<void>;
  /** Deletes all that the plan has made. */
  deleteAll(): Promise<void>;
}

export function createUser(client: KubeClient): User {
  /** Asks until there is an answer; one of `accepted` is as good as success, for an earlier try may have succeeded. */
  async function ask(request: KubeRequest, ...accepted: readonly number[]): Promise<void> {
    await eventually(
      `${request.method} ${request.path} is answered`,
      async () => {
        try {
          await call(client, { ...request, timeoutMs: 5_000 });
        } catch (error) {
          if (!accepted.some((status) => isStatus(error, status))) throw error;
        }
        return true;
      },
      TIMEOUT_MS,
    );
  }
  const create = (path: string, body: object) => ask({ method: 'POST', path, body }, 409);
  const remove = (path: string, body: object = {}) =>
    ask({ method: 'DELETE', path, body: { propagationPolicy: 'Background', ...body } }, 404);
  const patch = (path: string, body: object) =>
    ask({ method: 'PATCH', path, body, contentType: 'application/strategic-merge-patch+json' }, 404);
  const deletePod = (name: string, how: Deletion) =>
    remove(`${PODS}/${name}`, how === 'forced' ? { gracePeriodSeconds: 0 } : {});

  async function actOnPod(
    action: Extract<WorkloadAction, { victim: number }>,
    pods: readonly PodSeen[],
  ): Promise<string> {
    const candidates = action.kind === 'labelPod' ? pods : pods.filter(({ name }) => name.startsWith('web-'));
    const name = chosen(action.victim, candidates)?.name;
    if (name === undefined) return NOBODY;
    if (action.kind === 'deleteReplica') await deletePod(name, action.how);
    else await patch(`${PODS}/${name}`, { metadata: { labels: { revision: String(action.revision) } } });
    return name;
  }

  async function actOnObject(action: Exclude<WorkloadAction, { victim: number }>): Promise<void> {
    switch (action.kind) {
      case 'createPod':
        return create(PODS, barePod(action.name, action.stubborn));
      case 'createDeployment':
        return create(DEPLOYMENTS, deployment(action.name, action.replicas));
      case 'createJob':
        return create(JOBS, job(action.name, action.pods, action.seconds));
      case 'scale':
        return patch(`${DEPLOYMENTS}/${action.name}`, { spec: { replicas: action.replicas } });
      case 'update':
        return patch(`${DEPLOYMENTS}/${action.name}`, revisionPatch(action.revision));
      case 'deletePod':
        return deletePod(action.name, action.how);
      case 'deleteDeployment':
        return remove(`${DEPLOYMENTS}/${action.name}`);
      case 'deleteJob':
        return remove(`${JOBS}/${action.name}`);
      case 'changeConfigMap':
        return patch(`${CONFIG_MAPS}/${CONFIG_MAP}`, settings(action.revision));
    }
  }

  return {
    async act(action, pods) {
      if ('victim' in action) {
        const present = pods.filter(({ deleting }) => !deleting);
        return actOnPod(action, present);
      }
      await actOnObject(action);
      return 'name' in action ? action.name : CONFIG_MAP;
    },
    async prepare() {
      await create(CONFIG_MAPS, settings(0));
      await create(WARM_POOLS_PATH, warmPool());
    },
    async deleteAll() {
      await remove(`${WARM_POOLS_PATH}/${WARM_POOL}`);
      for (const path of [DEPLOYMENTS, JOBS, PODS]) await remove(path);
    },
  };
}
