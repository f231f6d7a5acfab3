import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { down } from '../../src/local-cluster/down.ts';
import { leftovers } from '../../src/local-cluster/leftovers.ts';
import { startProvider } from '../../src/local-cluster/provider/provider-process.ts';
import { REGULAR_NODE, startRegularNode } from '../../src/local-cluster/regular-node.ts';
import { type LocalCluster, up } from '../../src/local-cluster/up.ts';
import { machines } from '../support/cells.ts';
import { dashboardQueries } from '../support/dashboard.ts';
import { toolsOf } from '../support/kubectl.ts';
import { WEB_IMAGE } from '../support/objects.ts';
import { PROMETHEUS_IMAGE, prometheusImage, promQuery, scrapeJobs } from '../support/prometheus.ts';
import { eventually } from '../support/wait.ts';

/** What was shown on a stage with the first nodeless clusters: a Prometheus that stays, and cells that come with pods. */
const CLUSTER = 'talk';
const tools = toolsOf(CLUSTER);
const { kubectl, apply, get } = tools;
const { signal } = new AbortController();
const progress = ({ step, detail }: { step: string; detail: string }) => console.log(`${step}: ${detail}`);
/** Pods that a cell's kubelet tells of. */
const PODS_ON_CELLS =
  'count(count by (pod) (container_memory_working_set_bytes{container!="",namespace="default",node="nodeless"}))';

interface TalkPod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly annotations?: Record<string, string> };
  readonly spec: { readonly nodeName: string };
  readonly status: { readonly hostIP: string };
}

interface TalkNode {
  readonly metadata: { readonly name: string };
  readonly status: { readonly addresses: readonly { readonly type: string; readonly address: string }[] };
}

/** Three replicas that say nothing about where they go. */
function deployment(name: string, spec: object = {}): object {
  const labels = { app: name };
  const requests = { cpu: '50m', memory: '64Mi' };
  const containers = [{ name: 'web', image: WEB_IMAGE, resources: { requests } }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas: 3,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, containers, ...spec } },
    },
  };
}

function apartFrom(app: string): object {
  const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app } } };
  return { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
}

/** A volume on the regular node's disk. */
function localVolume(path: string): readonly object[] {
  const onNode = { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [REGULAR_NODE] }] };
  return [
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'local' },
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'WaitForFirstConsumer',
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'prometheus' },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'local',
        local: { path },
        nodeAffinity: { required: { nodeSelectorTerms: [onNode] } },
      },
    },
  ];
}

/** May find nodes and read their metrics, those of the virtual one among them, and the API server's. */
function nodeMetricsReader(): readonly object[] {
  const name = 'prometheus';
  const apiGroup = 'rbac.authorization.k8s.io';
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } },
    {
      apiVersion: `${apiGroup}/v1`,
      kind: 'ClusterRole',
      metadata: { name },
      rules: [
        { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] },
        { apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] },
        { nonResourceURLs: ['/metrics'], verbs: ['get'] },
      ],
    },
    {
      apiVersion: `${apiGroup}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup, kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace: 'default' }],
    },
  ];
}

async function prometheus(replica: string): Promise<readonly object[]> {
  const labels = { app: 'prometheus' };
  const { items } = await get<{ items: readonly TalkNode[] }>('nodes');
  const node = items.map(({ metadata, status }) => {
    const address = status.addresses.find(({ type }) => type === 'InternalIP')?.address;
    return { name: metadata.name, target: `${address}:10250` };
  });
  const jobs = await scrapeJobs({ node, pod: [{ target: `${replica}:9443` }] });
  const self = { job_name: 'prometheus', static_configs: [{ targets: ['localhost:9090'] }] };
  const config = stringify({
    global: { scrape_interval: '2s' },
    scrape_configs: [self, ...jobs],
  });
  const container = {
    name: 'prometheus',
    image: PROMETHEUS_IMAGE,
    args: ['--config.file=/config/prometheus.yml', '--storage.tsdb.path=/data'],
    readinessProbe: { httpGet: { port: 9090, path: '/-/ready' }, periodSeconds: 1 },
    volumeMounts: [
      { name: 'config', mountPath: '/config' },
      { name: 'data', mountPath: '/data' },
    ],
  };
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'prometheus' }, data: { 'prometheus.yml': config } },
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'prometheus' },
      spec: {
        serviceName: 'prometheus',
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: 'prometheus',
            containers: [container],
            volumes: [{ name: 'config', configMap: { name: 'prometheus' } }],
          },
        },
        volumeClaimTemplates: [
          {
            metadata: { name: 'data' },
            spec: {
              accessModes: ['ReadWriteOnce'],
              storageClassName: 'local',
              resources: { requests: { storage: '1Gi' } },
            },
          },
        ],
      },
    },
  ];
}

async function podsOf(app: string): Promise<readonly TalkPod[]> {
  return (await get<{ items: readonly TalkPod[] }>('pods', '-l', `app=${app}`)).items;
}

async function rolledOut(name: string): Promise<void> {
  await kubectl('rollout', 'status', name, '--timeout=120s');
}

let cluster: LocalCluster;

beforeAll(async () => {
  cluster = await up({ name: CLUSTER, replace: true, progress, signal });
  const images = [...cluster.images, ...(await prometheusImage(progress, signal))];
  await startRegularNode({ paths: cluster.paths, images, progress, signal });
  await startProvider({ cluster, signal, config: { metrics: { perCell: true } } });
  const data = join(cluster.paths.stateDir, 'volumes', 'prometheus');
  await mkdir(data, { recursive: true });
  await apply(...localVolume(data), ...nodeMetricsReader(), ...(await prometheus(cluster.address)));
  await apply(deployment('sales'));
  await rolledOut('deployment/sales');
  await rolledOut('statefulset/prometheus');
});

afterAll(async () => {
  await down({ name: CLUSTER });
  expect(await leftovers({ name: CLUSTER })).toEqual([]);
});

test('a Prometheus with a volume stays on the regular node; what is stateless has a cell for each pod', async () => {
  const [server] = await podsOf('prometheus');
  expect([server?.spec.nodeName, server?.metadata.annotations?.['nodeless.io/decision']]).toEqual([
    REGULAR_NODE,
    expect.stringContaining('persistent-volume'),
  ]);
  const sales = await podsOf('sales');
  expect(sales.map(({ spec }) => spec.nodeName)).toEqual(['nodeless', 'nodeless', 'nodeless']);
  expect(new Set(sales.map(({ status }) => status.hostIP)).size).toBe(3);
});

test('nginx in three replicas that may not share a host takes the cells from 3 to 6, and Prometheus sees them', async () => {
  const seen = (count: number) =>
    eventually(
      `Prometheus sees ${count} pods`,
      async () => (await promQuery(tools, 'prometheus-0', PODS_ON_CELLS)).includes(count),
      90_000,
    );
  expect(await machines(CLUSTER)).toHaveLength(3);
  await seen(3);
  await apply(deployment('nginx', apartFrom('nginx')));
  await rolledOut('deployment/nginx');
  expect(new Set((await podsOf('nginx')).map(({ status }) => status.hostIP)).size).toBe(3);
  expect(await machines(CLUSTER)).toHaveLength(6);
  await seen(6);
});

test('every panel of the dashboard has something to show', async () => {
  const queries = await dashboardQueries();
  expect(queries.length).toBeGreaterThan(30);
  const empty = async () => {
    // Reviews of pods go on: the rate of what has happened before the first scrape is none.
    await kubectl('run', 'reviewed', `--image=${WEB_IMAGE}`, '--dry-run=server');
    const found: string[] = [];
    for (const { panel, expr } of queries) {
      const values = await promQuery(tools, 'prometheus-0', expr);
      if (!values.some((value) => Number.isFinite(value))) found.push(`${panel}: ${expr}`);
    }
    return found;
  };
  await expect.poll(empty, { timeout: 90_000, interval: 5_000 }).toEqual([]);
});

test('a StatefulSet on the regular node has its data after a restart of its pod', async () => {
  const then = Math.floor(Date.now() / 1_000);
  const known = () => promQuery(tools, 'prometheus-0', 'up{job="prometheus"}', then);
  expect(await known()).toEqual([1]);
  const [before] = await podsOf('prometheus');
  await kubectl('delete', 'pod', 'prometheus-0', '--wait');
  await rolledOut('statefulset/prometheus');
  const [after] = await podsOf('prometheus');
  expect([after?.metadata.uid === before?.metadata.uid, after?.spec.nodeName]).toEqual([false, REGULAR_NODE]);
  await eventually('what was known is known', async () => (await known()).includes(1));
});
