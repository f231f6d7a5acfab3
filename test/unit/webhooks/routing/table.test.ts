import { describe, expect, test } from 'vitest';
import { DEFAULT_TOLERATIONS, FACTS, routed, type Shape, wordsOf } from './case.ts';

const label = (placement: string) => ({ labels: { 'nodeless.io/placement': placement } });
const ofDaemonSet = (name: string, more: object = {}) => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name, uid: 'u', controller: true, ...more }],
});
/** As the daemon controller binds a pod. */
const boundTo = (node: string) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }],
      },
    },
  },
});
const CLAIM = { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] };
const HOST_PATH = { volumes: [{ name: 'logs', hostPath: { path: '/var/log' } }] };
const together = (topologyKey: string) => ({
  affinity: {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: { matchLabels: { app: 'a' } } }],
    },
  },
});
const spread = (topologyKey: string, whenUnsatisfiable: string) => ({
  topologySpreadConstraints: [{ maxSkew: 1, topologyKey, whenUnsatisfiable }],
});
const NODE_CELL = { rules: { statefulPlacement: 'node-cell' } } as const;
const ZONE = 'topology.kubernetes.io/zone';

const TABLE: readonly (readonly [string, Shape, string])[] = [
  ['a plain pod', {}, 'cell: stateless'],
  ['the system’s namespace', { namespace: 'kube-system' }, 'untouched: namespace'],
  ['our own namespace', { namespace: 'nodeless-system' }, 'untouched: namespace'],
  [
    'the system’s namespace, whatever labels say',
    { namespace: 'kube-system', metadata: label('cell') },
    'untouched: namespace',
  ],
  ['a mirror pod', { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } } }, 'untouched: static-pod'],
  ['a static pod', { metadata: { annotations: { 'kubernetes.io/config.source': 'file' } } }, 'untouched: static-pod'],
  [
    'another virtual node’s pod',
    { spec: { nodeSelector: { 'nodeless.io/virtual-node': 'other' } } },
    'untouched: other-node',
  ],

  ['ignore', { metadata: label('ignore') }, 'untouched: label'],
  ['a namespace that is ignored', { namespace: 'ignore' }, 'untouched: label'],
  ['an ignored namespace, whatever the pod says', { namespace: 'ignore', metadata: label('cell') }, 'untouched: label'],
  ['node', { metadata: label('node') }, 'leave: label'],
  ['node, where such pods go to the node cell', { metadata: label('node'), ...NODE_CELL }, 'node-cell: label'],
  ['a namespace of nodes', { namespace: 'node' }, 'leave: label'],
  ['a pod against its namespace', { namespace: 'node', metadata: label('cell') }, 'cell: label'],
  ['the other way round', { namespace: 'cell', metadata: label('node') }, 'leave: label'],
  ['cell', { metadata: label('cell') }, 'cell: label'],
  ['cell, with what a cell has too', { metadata: label('cell'), spec: HOST_PATH }, 'cell: label'],
  ['cell, with a claim', { metadata: label('cell'), spec: CLAIM }, 'leave: persistent-volume (spec.volumes "data")'],
  ['a label that is none', { metadata: label('cel') }, 'cell: stateless'],
  [
    'a namespace of cells, with a DaemonSet',
    { namespace: 'cell', metadata: ofDaemonSet('x'), spec: boundTo('a') },
    'untouched: daemonset',
  ],

  [
    'a DaemonSet’s pod elsewhere',
    { metadata: ofDaemonSet('kube-proxy'), spec: boundTo('node-1') },
    'untouched: daemonset',
  ],
  ['a DaemonSet’s pod here', { metadata: ofDaemonSet('kube-proxy'), spec: boundTo('nodeless') }, 'absorb: daemonset'],
  [
    'an agent’s pod here',
    { metadata: ofDaemonSet('agent'), spec: { ...boundTo('nodeless'), hostNetwork: true } },
    'inject: daemonset',
  ],
  ['a keeper’s pod here', { metadata: ofDaemonSet('keeper'), spec: boundTo('nodeless') }, 'node-cell: daemonset'],
  [
    'a DaemonSet’s pod bound by name',
    { metadata: ofDaemonSet('agent'), spec: { nodeName: 'nodeless' } },
    'inject: daemonset',
  ],

  [
    'a pod of somebody else’s kind of DaemonSet',
    { metadata: ofDaemonSet('agent', { apiVersion: 'apps.kruise.io/v1alpha1' }), spec: boundTo('nodeless') },
    'cell: stateless',
  ],
  [
    'the same elsewhere',
    { metadata: ofDaemonSet('agent', { apiVersion: 'apps.kruise.io/v1alpha1' }), spec: boundTo('node-1') },
    'leave: selector (spec.affinity.nodeAffinity)',
  ],
  [
    'a pod that a DaemonSet owns and does not control',
    { metadata: ofDaemonSet('agent', { controller: undefined }), spec: boundTo('nodeless') },
    'cell: stateless',
  ],

  ['a claim', { spec: CLAIM }, 'leave: persistent-volume (spec.volumes "data")'],
  ['a path of the host', { spec: HOST_PATH }, 'leave: host-path (spec.volumes "logs")'],
  ['the host’s network', { spec: { hostNetwork: true } }, 'leave: host-network (spec.hostNetwork)'],
  [
    'a foreign CSI driver',
    { spec: { volumes: [{ name: 's', csi: { driver: 'x' } }] } },
    'leave: csi-volume (spec.volumes "s")',
  ],
  [
    'a CSI driver of cells',
    { spec: { volumes: [{ name: 's', csi: { driver: 'cell.csi.example.com' } }] } },
    'cell: stateless',
  ],
  [
    'a path, where such pods go to the node cell',
    { spec: HOST_PATH, ...NODE_CELL },
    'node-cell: host-path (spec.volumes "logs")',
  ],
  [
    'a claim, which the node cell can’t have',
    { spec: CLAIM, ...NODE_CELL },
    'leave: persistent-volume (spec.volumes "data")',
  ],
  [
    'a claim beside a path, likewise',
    { spec: { volumes: [...HOST_PATH.volumes, ...CLAIM.volumes] }, ...NODE_CELL },
    'leave: host-path (spec.volumes "logs")',
  ],
  [
    'the same, for another architecture than the node cell’s',
    { spec: { ...HOST_PATH, nodeSelector: { 'kubernetes.io/arch': 'arm64' } }, ...NODE_CELL },
    'leave: host-path (spec.volumes "logs")',
  ],

  ['node with a claim, likewise', { metadata: label('node'), spec: CLAIM, ...NODE_CELL }, 'leave: label'],
  [
    'a path under a NetworkPolicy that nobody enforces, where such pods go to the node cell',
    { metadata: { labels: { guarded: 'yes' } }, spec: HOST_PATH, ...NODE_CELL },
    'leave: host-path (spec.volumes "logs")',
  ],

  [
    'the same, with a class that enforces it, which the node cell is not of',
    { metadata: { labels: { guarded: 'yes', 'nodeless.io/cell-class': 'guarding' } }, spec: HOST_PATH, ...NODE_CELL },
    'leave: host-path (spec.volumes "logs")',
  ],
  [
    'the same, where the node cell enforces it',
    {
      metadata: { labels: { guarded: 'yes' } },
      spec: HOST_PATH,
      ...NODE_CELL,
      facts: { nodeCellEnforcesNetworkPolicy: () => true },
    },
    'node-cell: host-path (spec.volumes "logs")',
  ],

  ['another node by name', { spec: { nodeName: 'node-1' } }, 'leave: selector (spec.nodeName)'],
  ['the virtual node by name', { spec: { nodeName: 'nodeless' } }, 'cell: stateless'],
  ['another scheduler', { spec: { schedulerName: 'volcano' } }, 'leave: selector (spec.schedulerName)'],
  ['a resource claim', { spec: { resourceClaims: [{ name: 'gpu' }] } }, 'leave: selector (spec.resourceClaims)'],
  ['Windows', { spec: { os: { name: 'windows' } } }, 'leave: selector (spec.os)'],
  [
    'a label that the node lacks',
    { spec: { nodeSelector: { 'kubernetes.io/os': 'linux', disk: 'ssd', 'kubernetes.io/arch': 'arm64' } } },
    'leave: selector (spec.nodeSelector "disk")',
  ],
  [
    'another value of a label',
    { spec: { nodeSelector: { 'kubernetes.io/os': 'windows' } } },
    'leave: selector (spec.nodeSelector "kubernetes.io/os")',
  ],
  ['the virtual node’s labels', { spec: { nodeSelector: { type: 'virtual-kubelet' } } }, 'cell: stateless'],
  ['another architecture', { spec: { nodeSelector: { 'kubernetes.io/arch': 'arm64' } } }, 'cell: stateless'],
  ['a zone, while there are none', { spec: { nodeSelector: { [ZONE]: 'a' } } }, 'cell: stateless'],
  ['pods of the same host', { spec: together('kubernetes.io/hostname') }, 'cell: stateless'],
  [
    'pods of the same zone, while there are none',
    { spec: together(ZONE) },
    'leave: selector (spec.affinity.podAffinity)',
  ],
  ['spread over hosts', { spec: spread('kubernetes.io/hostname', 'DoNotSchedule') }, 'cell: stateless'],
  [
    'spread over hosts, and together with others on one',
    { spec: { ...spread('kubernetes.io/hostname', 'DoNotSchedule'), ...together('kubernetes.io/hostname') } },
    'leave: selector (spec.topologySpreadConstraints)',
  ],
  [
    'rather spread over hosts, and together with others on one',
    { spec: { ...spread('kubernetes.io/hostname', 'ScheduleAnyway'), ...together('kubernetes.io/hostname') } },
    'cell: stateless',
  ],
  ['spread over zones', { spec: spread(ZONE, 'DoNotSchedule') }, 'leave: selector (spec.topologySpreadConstraints)'],
  ['spread over zones where it can be', { spec: spread(ZONE, 'ScheduleAnyway') }, 'cell: stateless'],

  [
    'a NetworkPolicy that nobody enforces',
    { metadata: { labels: { guarded: 'yes' } } },
    'leave: networkpolicy (guard)',
  ],
  [
    'a NetworkPolicy that its class enforces',
    { metadata: { labels: { guarded: 'yes', 'nodeless.io/cell-class': 'guarding' } } },
    'cell: stateless',
  ],
  [
    'a NetworkPolicy, even with the label cell',
    { metadata: { labels: { guarded: 'yes', 'nodeless.io/placement': 'cell' } } },
    'leave: networkpolicy (guard)',
  ],
];

describe('the table of routing', () => {
  test.each(TABLE)('%s', (_title, shape, words) => {
    expect(wordsOf(routed(shape))).toBe(words);
  });

  test.each(TABLE)(
    '%s: what is not to go to the virtual node is not changed beyond the annotation',
    (_title, shape) => {
      const { verdict, before, after } = routed(shape);
      if (['cell', 'node-cell'].includes(verdict.decision) && verdict.reason !== 'daemonset') {
        expect(after.nodeSelector['nodeless.io/virtual-node']).toBe('nodeless');
        return;
      }
      const { 'nodeless.io/decision': decision, ...annotations } = after.annotations;
      expect({ ...after, annotations }).toEqual(before);
      expect(decision === undefined).toBe(verdict.decision === 'untouched');
    },
  );
});

describe('a pod on a cell', () => {
  test('selects the virtual node, tolerates its taints, and is not evicted in an outage of ours', () => {
    const { after } = routed();
    expect(after.nodeSelector).toEqual({ 'nodeless.io/virtual-node': 'nodeless' });
    expect(after.affinity).toEqual(boundTo('nodeless').affinity);
    expect(after.annotations).toEqual({ 'nodeless.io/decision': 'cell: stateless' });
    expect(after.tolerations).toEqual([
      ...DEFAULT_TOLERATIONS.map(({ tolerationSeconds: _, ...endless }) => endless),
      { key: 'virtual-kubelet.io/provider', operator: 'Equal', value: 'local', effect: 'NoSchedule' },
    ]);
  });

  test('keeps the seconds that its user has chosen, and gets no toleration twice', () => {
    const tolerations = [
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 },
      { key: 'virtual-kubelet.io/provider', operator: 'Exists' },
    ];
    const { after } = routed({ spec: { tolerations } });
    expect(after.tolerations).toEqual([
      ...tolerations,
      { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
    ]);
  });

  test('that tolerates everything is given nothing more', () => {
    const { after } = routed({ spec: { tolerations: [{ operator: 'Exists' }] } });
    expect(after.tolerations).toEqual([{ operator: 'Exists' }]);
  });
});

describe('a pod that is left, and tolerates all taints', () => {
  const tolerations = [{ operator: 'Exists' }];
  const OFF = { matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['nodeless'] }] };
  const termsOf = (shape: Shape) =>
    routed(shape).after.affinity.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const guarded = { metadata: { labels: { guarded: 'yes' } } };
  const untainted = { facts: { target: () => ({ ...FACTS.target(), taints: [] }) } };
  const chosen = { nodeSelector: { type: 'virtual-kubelet' }, tolerations };

  test.each<readonly [string, Shape]>([
    ['with a claim', { spec: { ...CLAIM, tolerations } }],
    ['under a NetworkPolicy', { ...guarded, spec: { tolerations } }],
    ['that is to stay on nodes', { metadata: label('node'), spec: { tolerations } }],
    ['under a NetworkPolicy, even if it chooses the virtual node', { ...guarded, spec: { ...HOST_PATH, ...chosen } }],
    ['under a NetworkPolicy, even on a virtual node without taints', { ...guarded, ...untainted }],
    ['that is to stay on nodes, even on a virtual node without taints', { metadata: label('node'), ...untainted }],
    [
      'whose annotation can’t be read',
      { metadata: { annotations: { 'nodeless.io/constraints': 'x' } }, spec: { ...CLAIM, tolerations } },
    ],
  ])('%s is kept off the virtual node', (_title, shape) => {
    expect(termsOf(shape)).toEqual([OFF]);
    const first = routed(shape);
    const { annotations, ...fields } = first.after;
    const again = routed({
      ...shape,
      metadata: { ...shape.metadata, annotations: { ...annotations } },
      spec: { ...shape.spec, ...fields } as NonNullable<Shape['spec']>,
    });
    expect(again.after).toEqual(first.after);
  });

  test.each<readonly [string, Shape]>([
    ['that chooses it itself', { spec: { ...HOST_PATH, ...chosen } }],
    ['where that has no taints', { spec: HOST_PATH, ...untainted }],
    ['bound there by name', { ...guarded, spec: { nodeName: 'nodeless', tolerations } }],
    ['of a DaemonSet', { metadata: { ...ofDaemonSet('x'), ...label('node') }, spec: { tolerations } }],
  ])('%s is not', (_title, shape) => {
    expect(termsOf(shape)).toBeUndefined();
  });

  test('is kept off by each of its terms, and its own are there again when it may go to a cell after all', () => {
    const zones = ['a', 'b'].map((zone) => ({ matchExpressions: [{ key: ZONE, operator: 'In', values: [zone] }] }));
    const required = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [...zones, {}] } };
    const spec = { affinity: { nodeAffinity: required }, tolerations, ...CLAIM };
    const first = routed({ spec });
    const { annotations, ...fields } = first.after;
    expect(fields.affinity.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms).toEqual([
      ...zones.map((zone) => ({ ...zone, ...OFF })),
      {},
    ]);
    const without = routed({
      metadata: { annotations: { ...annotations } },
      spec: fields as NonNullable<Shape['spec']>,
    });
    expect(wordsOf(without)).toBe('cell: stateless');
    const ignored = routed({
      metadata: { annotations: { ...annotations }, ...label('ignore') },
      spec: fields as NonNullable<Shape['spec']>,
    });
    expect(ignored.after.affinity).toEqual(spec.affinity);
    expect(ignored.after.annotations).toEqual({});
  });
});
