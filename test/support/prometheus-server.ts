import { stringify } from 'yaml';
import { REGULAR_NODE } from '../../src/local-cluster/regular-node.ts';
import type { ClusterTools } from './kubectl.ts';
import { PROMETHEUS_IMAGE, scrapeJobs } from './prometheus.ts';
import { rulesText } from './rules.ts';

interface NodeAddresses {
  readonly metadata: { readonly name: string };
  readonly status: { readonly addresses: readonly { readonly type: string; readonly address: string }[] };
}

/** A volume on the regular node's disk. */
export function localVolume(path: string): readonly object[] {
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

/**
 * A Prometheus with a volume, its account, what it scrapes of the nodes that there are now and of a replica of the provider, and the
 * rules that people load.
 */
export async function prometheusServer(
  { get }: Pick<ClusterTools, 'get'>,
  replica: string,
): Promise<readonly object[]> {
  const labels = { app: 'prometheus' };
  const { items } = await get<{ items: readonly NodeAddresses[] }>('nodes');
  const node = items.map(({ metadata, status }) => {
    const address = status.addresses.find(({ type }) => type === 'InternalIP')?.address;
    return { name: metadata.name, target: `${address}:10250` };
  });
  const jobs = await scrapeJobs({ node, pod: [{ target: `${replica}:9443` }] });
  const self = { job_name: 'prometheus', static_configs: [{ targets: ['localhost:9090'] }] };
  const config = stringify({
    global: { scrape_interval: '2s', evaluation_interval: '2s' },
    rule_files: ['/config/rules.yaml'],
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
  const data = { 'prometheus.yml': config, 'rules.yaml': await rulesText() };
  return [
    ...nodeMetricsReader(),
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'prometheus' }, data },
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
