import { pod, webDeployment } from '../support/objects.ts';

export const CONFIG_MAP = 'settings';

export function settings(revision: number): object {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: CONFIG_MAP },
    data: { revision: String(revision) },
  };
}

export const WARM_POOL = 'soak';

/** A cell that waits for any pod of the soak, which all request as much. */
export function warmPool(): object {
  const spec = { shape: { cpu: '50m', memory: '64Mi' }, min: 1, max: 1 };
  return { apiVersion: 'nodeless.io/v1alpha1', kind: 'WarmPool', metadata: { name: WARM_POOL }, spec };
}

/** A pod without an owner that reads the ConfigMap; a stubborn one has to be killed after its grace period. */
export function barePod(name: string, stubborn: boolean): object {
  const command = ['sh', '-c', `trap ${stubborn ? '""' : 'exit'} TERM; while true; do sleep 1; done`];
  return pod(name, {
    command,
    container: { volumeMounts: [{ name: 'settings', mountPath: '/settings' }] },
    spec: {
      terminationGracePeriodSeconds: stubborn ? 3 : 1,
      volumes: [{ name: 'settings', configMap: { name: CONFIG_MAP } }],
    },
  });
}

export function job(name: string, pods: number, seconds: number): object {
  const { spec } = pod(name, { command: ['sleep', String(seconds)], spec: { restartPolicy: 'Never' } }) as {
    spec: object;
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: { parallelism: pods, completions: pods, backoffLimit: 100, template: { spec } },
  };
}

/** The web server's Deployment, as its first revision. */
export const deployment = webDeployment;

/** A strategic merge patch that makes a Deployment replace its pods. */
export function revisionPatch(revision: number): object {
  const containers = [{ name: 'main', env: [{ name: 'REVISION', value: String(revision) }] }];
  return { spec: { template: { spec: { containers } } } };
}
