import { randomBytes } from 'node:crypto';
import { BUSYBOX_IMAGE, pod } from '../support/objects.ts';

export const AGENT_NAMESPACE = 'kube-system';

/** Somebody who is to be on a cell, and the words that nobody else may read. */
export interface Planned {
  readonly namespace: string;
  readonly name: string;
  readonly canaries: Readonly<Record<'secret' | 'configMap' | 'env' | 'label' | 'annotation', string>>;
}

function canary(): string {
  return `canary${randomBytes(12).toString('hex')}`;
}

export function plan(role: string, namespace: string): Planned {
  const canaries = { secret: canary(), configMap: canary(), env: canary(), label: canary(), annotation: canary() };
  return { namespace, name: `${role}-${randomBytes(4).toString('hex')}`, canaries };
}

/** The pod of an inhabitant. */
export function podOf({ namespace, name, canaries }: Planned): { readonly spec: object } {
  return pod(name, {
    image: BUSYBOX_IMAGE,
    metadata: { namespace, labels: { word: canaries.label }, annotations: { word: canaries.annotation } },
    spec: {
      serviceAccountName: `account-${name}`,
      volumes: [{ name: 'config', configMap: { name: `config-${name}` } }],
    },
    container: {
      volumeMounts: [{ name: 'config', mountPath: '/config' }],
      env: [
        { name: 'PLAIN', value: canaries.env },
        { name: 'SECRET', valueFrom: { secretKeyRef: { name: `secret-${name}`, key: 'word' } } },
      ],
    },
  }) as { spec: object };
}

/** A pod, or the DaemonSet whose pod is on every cell, and what it refers to. */
export function objectsOf(planned: Planned, kind: 'Pod' | 'DaemonSet' = 'Pod'): object[] {
  const { namespace, name, canaries } = planned;
  const metadata = { namespace };
  const inhabitant = podOf(planned);
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { ...metadata, name: `account-${name}` } },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { ...metadata, name: `secret-${name}` },
      stringData: { word: canaries.secret },
    },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...metadata, name: `config-${name}` },
      data: { word: canaries.configMap },
    },
    kind === 'Pod' ? inhabitant : agentOf(name, inhabitant),
  ];
}

/** The host's network shows each cell's own address in its status, and in no other cell's. */
function agentOf(name: string, { spec }: { readonly spec: object }): object {
  const labels = { agent: name };
  const annotations = { 'nodeless.io/daemonset-policy': 'inject' };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { namespace: AGENT_NAMESPACE, name, annotations },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { ...spec, hostNetwork: true } },
    },
  };
}

/** Values in turn; the same come again, so that all of them can be forbidden from the start. */
export function wordsInTurn(): readonly string[] {
  return Array.from({ length: 32 }, canary);
}
