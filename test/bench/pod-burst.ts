import { call, isStatus } from '../../src/kube/calls.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { BenchContext } from './benchmark.ts';
import { until } from './cluster.ts';
import type { PodPlace } from './contestant.ts';

const NAME = 'burst';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const PODS = '/api/v1/namespaces/default/pods';
const GONE_TIMEOUT_MS = 300_000;

interface Deployment {
  readonly status?: { readonly readyReplicas?: number };
}

function deployment(replicas: number, place: PodPlace): object {
  const labels = { app: NAME };
  const resources = { requests: { cpu: '50m', memory: '64Mi' } };
  const containers = [{ name: 'main', image: 'registry.k8s.io/pause:3.10.1', resources }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: NAME },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { ...place, terminationGracePeriodSeconds: 0, containers } },
    },
  };
}

export interface BurstOptions {
  readonly pods: number;
  readonly place: PodPlace;
  readonly timeoutMs: number;
}

/** Makes a Deployment of so many pods; resolves with the seconds until it tells that all of them are Ready. */
export async function burstOf(client: KubeClient, options: BurstOptions, { signal }: BenchContext): Promise<number> {
  const { pods, place, timeoutMs } = options;
  const startedMs = performance.now();
  await call(client, { method: 'POST', path: DEPLOYMENTS, body: deployment(pods, place), signal });
  const ready = async () => {
    const now = await call<Deployment>(client, { method: 'GET', path: `${DEPLOYMENTS}/${NAME}`, signal });
    return (now.status?.readyReplicas ?? 0) >= pods;
  };
  await until(`${pods} pods are Ready`, ready, { signal, timeoutMs });
  return (performance.now() - startedMs) / 1000;
}

/** Deletes the Deployment and waits until no pod of it is left. */
export async function endBurst(client: KubeClient, { signal }: BenchContext): Promise<void> {
  await call(client, { method: 'DELETE', path: `${DEPLOYMENTS}/${NAME}`, signal }).catch((error: unknown) => {
    if (!isStatus(error, 404)) throw error;
  });
  const gone = async () => {
    const query = { limit: '1' };
    const list = await call<{ items?: readonly object[] }>(client, { method: 'GET', path: PODS, query, signal });
    return (list.items ?? []).length === 0;
  };
  await until('the pods are gone', gone, { signal, timeoutMs: GONE_TIMEOUT_MS, everyMs: 250 });
}
