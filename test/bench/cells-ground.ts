import PQueue from 'p-queue';
import { call } from '../../src/kube/calls.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { ON_CELLS } from '../support/objects.ts';
import { PROXY_NAME, PROXY_NAME_LABEL } from './hollow/paths.ts';

export const SERVICES = 500;
export const ENDPOINTS_PER_SERVICE = 10;
export const DEPLOYMENT = 'hollow';
const NAMESPACE = 'default';
const REQUESTS_AT_ONCE = 16;

const OBJECTS = `/api/v1/namespaces/${NAMESPACE}`;
const SLICES = `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices`;
const DEPLOYMENTS = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;

export function slicePath(index: number): string {
  return `${SLICES}/bench-${index}`;
}

export function podPath(name: string): string {
  return `${OBJECTS}/pods/${name}`;
}

/** Of a proxy of another name: the cluster's own leaves them alone, and does not spend the CPU that is measured. */
function metadata(name: string) {
  return { name, labels: { [PROXY_NAME_LABEL]: PROXY_NAME } };
}

function service(index: number): object {
  const ports = [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }];
  return { apiVersion: 'v1', kind: 'Service', metadata: metadata(`bench-${index}`), spec: { ports } };
}

/** The endpoints of one Service; `generation` changes one of them. */
export function endpointsOf(index: number, generation: number): readonly object[] {
  return Array.from({ length: ENDPOINTS_PER_SERVICE }, (_, i) => ({
    addresses: [`10.${100 + Math.floor(index / 250)}.${index % 250}.${i === 0 ? 100 + (generation % 100) : i + 1}`],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: `node-${i}`,
    targetRef: { kind: 'Pod', namespace: NAMESPACE, name: `bench-${index}-${i}` },
    zone: 'zone-a',
  }));
}

function slice(index: number): object {
  const named = metadata(`bench-${index}`);
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...named, labels: { ...named.labels, 'kubernetes.io/service-name': `bench-${index}` } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: endpointsOf(index, 0),
  };
}

/** One container that reads a ConfigMap and a Secret, as most pods do. */
function deployment(): object {
  const labels = { app: DEPLOYMENT };
  const optional = false;
  const container = {
    name: 'main',
    image: 'registry.k8s.io/pause:3.10.1',
    envFrom: [{ configMapRef: { name: 'bench', optional } }, { secretRef: { name: 'bench', optional } }],
    resources: { requests: { cpu: '50m', memory: '64Mi' } },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: DEPLOYMENT },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      strategy: { type: 'Recreate' },
      template: { metadata: { labels }, spec: { ...ON_CELLS, containers: [container] } },
    },
  };
}

/** The Services, their endpoints, and a Deployment of no replicas yet. */
export async function layGround(client: KubeClient, signal: AbortSignal): Promise<void> {
  const post = (path: string, body: object) => call(client, { method: 'POST', path, body, signal });
  const queue = new PQueue({ concurrency: REQUESTS_AT_ONCE });
  const indexes = Array.from({ length: SERVICES }, (_, index) => index);
  await queue.addAll(
    indexes.flatMap((index) => [() => post(`${OBJECTS}/services`, service(index)), () => post(SLICES, slice(index))]),
  );
  const data = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`KEY_${i}`, 'x'.repeat(100)]));
  await post(`${OBJECTS}/configmaps`, { metadata: { name: 'bench' }, data });
  await post(`${OBJECTS}/secrets`, { metadata: { name: 'bench' }, stringData: data });
  await post(DEPLOYMENTS, deployment());
}

/** Asks for so many pods. */
export async function scaleTo(client: KubeClient, replicas: number, signal: AbortSignal): Promise<void> {
  const path = `${DEPLOYMENTS}/${DEPLOYMENT}/scale`;
  const contentType = 'application/merge-patch+json';
  await call(client, { method: 'PATCH', path, contentType, body: { spec: { replicas } }, signal });
}

/** How many of the pods are Ready. */
export async function readyPods(client: KubeClient, signal: AbortSignal): Promise<number> {
  const path = `${DEPLOYMENTS}/${DEPLOYMENT}`;
  const { status } = await call<{ status: { readyReplicas?: number } }>(client, { method: 'GET', path, signal });
  return status.readyReplicas ?? 0;
}

/** Names of the pods. */
export async function podNames(client: KubeClient, signal: AbortSignal): Promise<readonly string[]> {
  const query = { labelSelector: `app=${DEPLOYMENT}` };
  const path = `${OBJECTS}/pods`;
  const list = await call<{ items: { metadata: { name: string } }[] }>(client, { method: 'GET', path, query, signal });
  return list.items.map((item) => item.metadata.name);
}
