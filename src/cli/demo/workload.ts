import { WEB_IMAGE } from '../../local-cluster/images/catalog.ts';

/** Name of the Deployment, of its Service, and value of its pods' label `app`. */
export const WEB = 'web';
export const NAMESPACE = 'default';
/** Name of the pod that stays on the regular node. */
export const STATEFUL = 'log-reader';
const PORT = 80;
const LABELS = { app: WEB };

const APART = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: LABELS } };

/** A Deployment of web servers that says nothing about nodes. */
export function webDeployment(replicas: number): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: WEB, namespace: NAMESPACE },
    spec: {
      replicas,
      selector: { matchLabels: LABELS },
      template: {
        metadata: { labels: LABELS },
        spec: {
          // Two replicas never share a host: on cells that is no limit.
          affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [APART] } },
          // The web server is its container's first process, which Linux spares signals that it does not handle.
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              name: WEB,
              image: WEB_IMAGE,
              ports: [{ containerPort: PORT }],
              resources: { requests: { cpu: '100m', memory: '64Mi' } },
              readinessProbe: { httpGet: { path: '/', port: PORT }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  };
}

/** The Service in front of it. */
export function webService(): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: WEB, namespace: NAMESPACE },
    spec: { selector: LABELS, ports: [{ port: PORT, targetPort: PORT }] },
  };
}

/** A pod with a folder of its host, which ties it to a node. */
export function statefulPod(): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: STATEFUL, namespace: NAMESPACE },
    spec: {
      terminationGracePeriodSeconds: 1,
      volumes: [{ name: 'logs', hostPath: { path: '/var/log' } }],
      containers: [
        { name: 'main', image: WEB_IMAGE, volumeMounts: [{ name: 'logs', mountPath: '/logs', readOnly: true }] },
      ],
    },
  };
}
