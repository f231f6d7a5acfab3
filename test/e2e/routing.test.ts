import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { call } from '../../src/kube/calls.ts';
import { apiOf } from '../support/api.ts';
import { noMachines } from '../support/cells.ts';
import { toolsOf } from '../support/kubectl.ts';
import { BUSYBOX_IMAGE, ON_CELLS, WEB_IMAGE } from '../support/objects.ts';
import { otherWebhook } from '../support/other-webhook.ts';
import { killProvider, startProviderAgain } from '../support/provider.ts';
import { eventually } from '../support/wait.ts';
import { CLUSTER } from './global-setup.ts';

const tools = toolsOf(CLUSTER);
const { kubectl, trySend, apply, get } = tools;
const client = await apiOf(tools);

const DECISION = 'nodeless.io/decision';
const CONSTRAINTS = 'nodeless.io/constraints';

interface RoutedPod {
  readonly metadata: { readonly name: string; readonly annotations?: Record<string, string> };
  readonly spec: {
    readonly nodeSelector?: Record<string, string>;
    readonly affinity?: object;
    readonly tolerations: readonly { key: string; tolerationSeconds?: number }[];
  };
  readonly status: { readonly phase: string; readonly hostIP?: string };
}

interface Shape {
  readonly labels?: Record<string, string>;
  readonly namespace?: string;
  readonly spec?: object;
  readonly generateName?: string;
}

/** A pod that says nothing about where it goes. */
function plain({ labels = {}, spec, generateName = 'routed-' }: Shape = {}): object {
  const main = { name: 'main', image: BUSYBOX_IMAGE, command: ['sleep', '3600'] };
  const resources = { requests: { cpu: '50m', memory: '64Mi' } };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName, labels },
    spec: { terminationGracePeriodSeconds: 1, containers: [{ ...main, resources }], ...spec },
  };
}

async function create(shape: Shape = {}, dryRun = true): Promise<RoutedPod> {
  const path = `/api/v1/namespaces/${shape.namespace ?? 'default'}/pods`;
  const query = dryRun ? { dryRun: 'All' } : {};
  return call<RoutedPod>(client, { method: 'POST', path, query, body: plain(shape) });
}

async function decisionOn(shape: Shape): Promise<string> {
  return (await create(shape)).metadata.annotations?.[DECISION] ?? 'untouched';
}

const placement = (value: string) => ({ 'nodeless.io/placement': value });
const CLAIM = { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] };

describe('routing', () => {
  beforeAll(async () => {
    for (const value of ['cell', 'node', 'ignore'])
      await apply({
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: `all-${value}`, labels: placement(value) },
      });
    await apply({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'guard' },
      spec: { podSelector: { matchLabels: { guarded: 'strictly' } }, policyTypes: ['Ingress'] },
    });
    for (const namespace of ['all-cell', 'all-node', 'all-ignore'])
      await eventually('it has its service account', async () => (await create({ namespace })) !== undefined);
    await eventually('the provider knows of the policy', async () =>
      (await decisionOn({ labels: { guarded: 'strictly' } })).startsWith('leave'),
    );
    await eventually('the provider knows of the namespaces', async () =>
      (await decisionOn({ namespace: 'all-node' })).startsWith('leave'),
    );
  });

  afterEach(async () => {
    await kubectl('delete', 'deployments,daemonsets,pods', '--all', '--wait', '--grace-period=1');
    await noMachines(CLUSTER);
  });

  afterAll(async () => {
    await kubectl('delete', 'namespaces', 'all-cell', 'all-node', 'all-ignore', '--wait=false');
    await kubectl('delete', 'networkpolicy', 'guard');
  });

  test.each<readonly [string, Shape, string]>([
    ['a plain pod', {}, 'cell: stateless'],
    ['the system’s namespace', { namespace: 'kube-system' }, 'untouched'],
    ['ignore', { labels: placement('ignore') }, 'untouched'],
    ['a namespace that is ignored', { namespace: 'all-ignore' }, 'untouched'],
    ['node', { labels: placement('node') }, 'leave: label'],
    ['a namespace of nodes', { namespace: 'all-node' }, 'leave: label'],
    ['cell, against its namespace', { namespace: 'all-node', labels: placement('cell') }, 'cell: label'],
    ['node, against its namespace', { namespace: 'all-cell', labels: placement('node'), spec: CLAIM }, 'leave: label'],
    ['a claim', { spec: CLAIM }, 'leave: persistent-volume (spec.volumes "data")'],
    ['the host’s network', { spec: { hostNetwork: true } }, 'leave: host-network (spec.hostNetwork)'],
    ['another scheduler', { spec: { schedulerName: 'volcano' } }, 'leave: selector (spec.schedulerName)'],
    ['a selector', { spec: { nodeSelector: { disk: 'ssd' } } }, 'leave: selector (spec.nodeSelector "disk")'],
    ['a NetworkPolicy', { labels: { guarded: 'strictly' } }, 'leave: networkpolicy (guard)'],
  ])('%s', async (_title, shape, decision) => {
    expect(await decisionOn(shape)).toBe(decision);
  });

  test('leaves nothing behind of a dry run', async () => {
    await create();
    expect((await get<{ items: unknown[] }>('pods')).items).toEqual([]);
  });

  test('lifts what is for the machine, and makes tolerations endless', async () => {
    const { metadata, spec } = await create({ spec: { nodeSelector: { 'kubernetes.io/arch': 'arm64' } } });
    expect(spec.nodeSelector).toEqual({ 'nodeless.io/virtual-node': 'nodeless' });
    expect(JSON.parse(metadata.annotations?.[CONSTRAINTS] ?? '')).toEqual({
      required: [[{ key: 'kubernetes.io/arch', operator: 'In', values: ['arm64'] }]],
    });
    const silent = spec.tolerations.filter(({ key }) => key.startsWith('node.kubernetes.io/'));
    expect(silent.map(({ tolerationSeconds }) => tolerationSeconds)).toEqual([undefined, undefined]);
  });

  test('a DaemonSet’s pod for the virtual node is told its policy, and stays as its controller has bound it', async () => {
    const labels = { app: 'agent' };
    const container = { name: 'main', image: BUSYBOX_IMAGE, command: ['sleep', '3600'] };
    const spec = { tolerations: [{ operator: 'Exists' }], containers: [container], terminationGracePeriodSeconds: 1 };
    await apply({
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'agent' },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    });
    const pod = await eventually('its pod', async () => {
      const { items } = await get<{ items: RoutedPod[] }>('pods', '-l', 'app=agent');
      return items[0];
    });
    expect(pod.metadata.annotations?.[DECISION]).toBe('absorb: daemonset');
    expect(pod.spec.nodeSelector).toBeUndefined();
  });

  test('replicas that may not share a host all run, each on a cell', async () => {
    const labels = { app: 'apart' };
    const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels } };
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
    const spread = { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule' };
    const topologySpreadConstraints = [{ ...spread, labelSelector: { matchLabels: labels } }];
    const containers = [{ name: 'main', image: WEB_IMAGE, resources: { requests: { cpu: '50m', memory: '64Mi' } } }];
    const spec = { affinity, topologySpreadConstraints, containers, terminationGracePeriodSeconds: 1 };
    await apply({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'apart' },
      spec: { replicas: 3, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    });
    await kubectl('rollout', 'status', 'deployment/apart', '--timeout=90s');
    const { items } = await get<{ items: RoutedPod[] }>('pods', '-l', 'app=apart');
    expect(new Set(items.map(({ status }) => status.hostIP)).size).toBe(3);
  });

  test('a pod that another webhook makes stateful after ours goes where stateful pods go', async () => {
    const other = await otherWebhook(CLUSTER);
    onTestFinished(async () => {
      await kubectl('delete', 'mutatingwebhookconfiguration', 'zz-sidecars.example.com');
      await other.stop();
    });
    await apply(other.configuration);
    const selector = { 'kubernetes.io/arch': 'arm64' };
    const pod = await eventually('it has its folder', async () => {
      const made = await create({ labels: { sidecar: 'wanted' }, spec: { nodeSelector: selector } });
      return JSON.stringify(made).includes('/var/log') && made;
    });
    expect(pod.metadata.annotations?.[DECISION]).toBe('leave: host-path (spec.volumes "logs")');
    expect(pod.metadata.annotations?.[CONSTRAINTS]).toBeUndefined();
    expect(pod.spec.nodeSelector).toEqual(selector);
    expect(pod.spec.affinity).toBeUndefined();
    const keys = pod.spec.tolerations.map(({ key, tolerationSeconds }) => `${key} ${tolerationSeconds}`);
    expect(keys.sort()).toEqual(['node.kubernetes.io/not-ready 300', 'node.kubernetes.io/unreachable 300']);
  });

  test('a pod that has its cell before a NetworkPolicy selects it goes on, and is told once, also by the next provider', async () => {
    const { metadata } = await create({ labels: { late: 'policy' } }, false);
    const pod = `pod/${metadata.name}`;
    await kubectl('wait', pod, '--for=condition=Ready', '--timeout=90s');
    const policy = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'late' },
      spec: { podSelector: { matchLabels: { late: 'policy' } }, policyTypes: ['Ingress'] },
    };
    const isEnforced = (is: string) =>
      kubectl('wait', pod, `--for=condition=nodeless.io/NetworkPolicyEnforced=${is}`, '--timeout=60s');
    const told = async () => {
      const named = `involvedObject.name=${metadata.name},reason=NotEnforced`;
      return (await get<{ items: readonly unknown[] }>('events', '--field-selector', named)).items.length;
    };
    await apply(policy);
    await isEnforced('False');
    await eventually('it is told', async () => (await told()) === 1);
    await killProvider(CLUSTER);
    await startProviderAgain(CLUSTER);
    // Its kubelet has told its status since, and left that of others alone.
    await kubectl('annotate', 'networkpolicy/late', 'example.com/touched=yes');
    const { metadata: next } = await create({ spec: ON_CELLS }, false);
    await kubectl('wait', `pod/${next.name}`, '--for=condition=Ready', '--timeout=90s');
    await isEnforced('False');
    expect(await told()).toBe(1);
    await kubectl('delete', 'networkpolicy/late');
    await isEnforced('True');
    await kubectl('wait', pod, '--for=condition=Ready', '--timeout=30s');
  }, 300_000);

  test('a certificate is changed under load, and no pod goes unrouted', async () => {
    let loading = true;
    let created = 0;
    const unrouted: RoutedPod[] = [];
    const load = Array.from({ length: 6 }, async () => {
      while (loading) {
        const pod = await create();
        created += 1;
        if (pod.metadata.annotations?.[DECISION] === undefined) unrouted.push(pod);
      }
    });
    const secret = ['secret/nodeless-webhook-nodeless', '-n', 'nodeless-system'] as const;
    const certificate = () => kubectl('get', ...secret, '-o', 'jsonpath={.data.tls\\.crt}');
    for (let round = 0; round < 3; round += 1) {
      const before = await certificate();
      await kubectl('patch', ...secret, '--type=json', '-p', '[{"op":"remove","path":"/data/tls.crt"}]');
      await eventually('there is another', async () => !['', before].includes(await certificate()));
      await delay(500);
    }
    loading = false;
    await Promise.all(load);
    expect(unrouted).toEqual([]);
    expect(created).toBeGreaterThan(100);
  });

  test('5,000 pods that are created at once are all routed', { timeout: 300_000 }, async () => {
    const spec = { schedulingGates: [{ name: 'example.com/never' }] };
    let left = 5_000;
    const decisions = new Map<string, number>();
    const create5000 = async () => {
      while (left > 0) {
        left -= 1;
        const { metadata } = await create({ spec, generateName: 'many-', labels: { app: 'many' } }, false);
        const decision = metadata.annotations?.[DECISION] ?? 'untouched';
        decisions.set(decision, (decisions.get(decision) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: 64 }, create5000));
    const query = { labelSelector: 'app=many', gracePeriodSeconds: '0' };
    await call(client, { method: 'DELETE', path: '/api/v1/namespaces/default/pods', query, timeoutMs: 120_000 });
    expect([...decisions]).toEqual([['cell: stateless', 5_000]]);
  });

  test('with the provider away pods are admitted as they are, and those that say themselves where they go, bound to the node or not, run later', async () => {
    await killProvider(CLUSTER);
    const pod = await create({ spec: ON_CELLS }, false);
    const bound = await create({ spec: { ...ON_CELLS, nodeName: 'nodeless' } }, false);
    const lost = await create({}, false);
    await startProviderAgain(CLUSTER);
    for (const { metadata } of [pod, bound, lost]) expect(metadata.annotations?.[DECISION]).toBeUndefined();
    for (const { metadata } of [pod, bound])
      await kubectl('wait', `pod/${metadata.name}`, '--for=condition=Ready', '--timeout=60s');
    expect((await get<RoutedPod>('pod', lost.metadata.name)).status.phase).toBe('Pending');
  });
});

describe('what must not be', () => {
  test.each<readonly [string, Shape, string]>([
    ['by its own label', { labels: placement('cell'), spec: CLAIM }, 'spec.volumes "data" is a persistent volume'],
    ['by a selector', { labels: placement('cell'), spec: { nodeSelector: { disk: 'ssd' } } }, 'spec.nodeSelector'],
  ])('a pod that asks for a cell %s and can’t have one is refused, with the remedy', async (_title, shape, words) => {
    const { exitCode, stderr } = await trySend(plain(shape), 'create', '-f', '-');
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain(words);
    expect(stderr).toContain('or remove the label nodeless.io/placement: cell');
  });

  test('a pod that asks for a cell of a CellClass that is not there is refused', async () => {
    const labels = { ...placement('cell'), 'nodeless.io/cell-class': 'absent' };
    const { exitCode, stderr } = await trySend(plain({ labels }), 'create', '-f', '-');
    expect([exitCode === 0, stderr]).toEqual([false, expect.stringContaining('picks CellClass absent')]);
  });

  test('nor does a pod that asks for a cell go elsewhere while nobody can say whether it can have one', async () => {
    await killProvider(CLUSTER);
    const { exitCode, stderr } = await trySend(plain({ labels: placement('cell') }), 'create', '-f', '-');
    await startProviderAgain(CLUSTER);
    expect([exitCode === 0, stderr]).toEqual([false, expect.stringContaining('asking-pods.nodeless.io')]);
    await eventually('it can be asked again', async () => (await create({ labels: placement('cell') })) !== undefined);
  });

  test('nobody makes Cell objects by hand', async () => {
    const cell = { apiVersion: 'nodeless.io/v1alpha1', kind: 'Cell', metadata: { name: 'mine' } };
    const { stderr } = await trySend(cell, 'create', '-f', '-');
    expect(stderr).toContain('create a pod to have a cell');
  });
});
