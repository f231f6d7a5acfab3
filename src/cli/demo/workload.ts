import { VIRTUAL_NODE_TAINT, VIRTUAL_NODE_TYPE } from '../../core/names.ts';
import { WEB_IMAGE } from '../../local-cluster/images/catalog.ts';

/** Name of the Deployment, of its Service, and value of its pods' label `app`. */
export const WEB = 'web';
export const NAMESPACE = 'default';
const PORT = 80;
const LABELS = { app: WEB };

/** A Deployment of web servers on the virtual node. */
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
          nodeSelector: { type: VIRTUAL_NODE_TYPE },
          // With the last two, no outage of the provider evicts the pods.
          tolerations: [
            { key: VIRTUAL_NODE_TAINT, operator: 'Exists' },
            { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
            { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
          ],
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
