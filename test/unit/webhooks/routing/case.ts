import type { V1Pod, V1PodSpec } from '@kubernetes/client-node';
import type { AdmittedPod } from '../../../../webhooks/routing/admitted-pod.ts';
import type { ClusterFacts, RoutingRules } from '../../../../webhooks/routing/facts.ts';
import { type Route, route } from '../../../../webhooks/routing/route.ts';

export const RULES: RoutingRules = {
  excludedNamespaces: ['kube-system', 'nodeless-system'],
  statefulPlacement: 'leave',
  csiDrivers: ['cell.csi.example.com'],
  schedulers: ['default-scheduler'],
};

const TAINT = { key: 'virtual-kubelet.io/provider', value: 'local', effect: 'NoSchedule' };

const ZONE = 'topology.kubernetes.io/zone';

function labelsOfNode(name: string): Record<string, string> {
  return {
    type: 'virtual-kubelet',
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
  };
}

/** With a virtual node for each zone. */
export function inZones(...zones: readonly string[]): Pick<ClusterFacts, 'target'> {
  const nodes = zones.map((zone) => {
    const name = `nodeless-${zone}`;
    return { name, labels: { ...labelsOfNode(name), [ZONE]: zone } };
  });
  return { target: () => ({ ...FACTS.target(), nodes }) };
}

/** A cluster whose namespaces say by their names what is in them. */
export const FACTS: ClusterFacts = {
  target: () => ({
    name: 'nodeless',
    nodes: [{ name: 'nodeless', labels: labelsOfNode('nodeless') }],
    taints: [TAINT],
  }),
  namespaceLabels: (namespace) => {
    const [, placement = ''] = /^(cell|node|ignore)$/.exec(namespace) ?? [];
    return placement === '' ? {} : { 'nodeless.io/placement': placement };
  },
  daemonSetPolicy: (_namespace, name) => (name === 'agent' ? 'inject' : name === 'keeper' ? 'node-cell' : 'absorb'),
  daemonSetPolicyWarning: (_namespace, name) => (name === 'misspelled' ? 'nobody follows that' : undefined),
  networkPolicy: (_namespace, labels) => (labels.guarded === 'yes' ? 'guard' : undefined),
  enforcesNetworkPolicy: (_namespace, labels) => labels['nodeless.io/cell-class'] === 'guarding',
  nodeCellEnforcesNetworkPolicy: () => false,
  cellClassProblem: (_namespace, labels) =>
    labels['nodeless.io/cell-class'] === 'missing'
      ? 'the pod picks CellClass missing, which does not exist'
      : undefined,
};

export interface Shape {
  readonly spec?: Partial<V1PodSpec>;
  readonly metadata?: V1Pod['metadata'];
  readonly namespace?: string;
  readonly rules?: Partial<RoutingRules>;
  readonly facts?: Partial<ClusterFacts>;
}

/** What the API server's own admission has put in before any webhook is asked. */
export const DEFAULT_TOLERATIONS = ['not-ready', 'unreachable'].map((what) => ({
  key: `node.kubernetes.io/${what}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
}));

export function podOf({ spec, metadata }: Shape): AdmittedPod {
  const whole = {
    containers: [{ name: 'main' }],
    schedulerName: 'default-scheduler',
    tolerations: DEFAULT_TOLERATIONS,
    ...spec,
  };
  return { metadata: { ...metadata }, spec: whole } as AdmittedPod;
}

export function routed(shape: Shape = {}): Route {
  const { namespace = 'default', rules, facts } = shape;
  return route({ pod: podOf(shape), namespace, rules: { ...RULES, ...rules }, facts: { ...FACTS, ...facts } });
}

/** The pod that a route makes of one. */
export function changed(pod: AdmittedPod, { after }: Route): AdmittedPod {
  const { annotations, ...fields } = after;
  return { metadata: { ...pod.metadata, annotations }, spec: { ...pod.spec, ...fields } } as AdmittedPod;
}

/** `decision: reason (detail)`, as the annotation has it. */
export function wordsOf({ verdict: { decision, reason, detail } }: Route): string {
  return `${decision}: ${reason}${detail === undefined ? '' : ` (${detail})`}`;
}
