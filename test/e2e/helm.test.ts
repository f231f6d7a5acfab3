import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { installObjects } from '../../src/install/objects.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import { CHART, helmTool } from '../support/helm.ts';
import { toolsOf } from '../support/kubectl.ts';
import { eventually } from '../support/wait.ts';
import { CLUSTER } from './global-setup.ts';

const tools = toolsOf(CLUSTER);
const { kubectl, apply } = tools;
const NAMESPACE = 'nodeless-system';
const IMAGE = ['--set', 'image.repository=r/nodeless', '--set', 'image.tag=v1', '--set', 'config.provider=simulated'];

let helm: Awaited<ReturnType<typeof helmTool>>;

beforeAll(async () => {
  const progress = ({ step, detail }: { step: string; detail: string }) => console.log(`${step}: ${detail}`);
  helm = await helmTool(progress, new AbortController().signal, tools.kubeconfig);
});

async function rendered(...flags: readonly string[]): Promise<readonly KubeObject[]> {
  const { stdout, all, exitCode } = await helm(
    'template',
    'nodeless',
    CHART,
    '-n',
    NAMESPACE,
    '--include-crds',
    ...flags,
  );
  expect(exitCode, all).toBe(0);
  return parseAllDocuments(stdout).flatMap((document) => (document.toJS() as KubeObject | null) ?? []);
}

interface ConfigMap extends KubeObject {
  data: Record<string, string>;
}

/** By kind, namespace and name, with what YAML may write in several ways read, and what is made of that left out. */
function comparable(objects: readonly KubeObject[]): Readonly<Record<string, unknown>> {
  const entries = objects.map((object) => {
    const { kind, metadata } = object;
    const read =
      kind === 'ConfigMap' ? { ...object, data: parse((object as ConfigMap).data['nodeless.yaml'] ?? '') } : object;
    const text = JSON.stringify(read).replace(/"nodeless\.io\/configuration":"[0-9a-f]{12}"/, '""');
    return [`${kind} ${metadata.namespace}/${metadata.name}`, JSON.parse(text.replace(/\{""\}/, '{}'))] as const;
  });
  return Object.fromEntries(entries);
}

describe('the Helm chart', () => {
  test.each<[string, readonly string[], object, readonly string[]]>([
    ['one virtual node', [], {}, []],
    ['two zones', ['--set', 'config.zones.names={a,b}'], { zones: { names: ['a', 'b'] } }, ['a', 'b']],
  ])('renders every object that nodeless install applies, and no other: %s', async (_, flags, sections, zones) => {
    const config = {
      provider: 'simulated',
      virtualNode: { name: 'nodeless' },
      cluster: { namespace: NAMESPACE },
      ...sections,
    };
    const provider = { image: 'r/nodeless:v1', replicas: 2, config };
    const ours = await installObjects({
      virtualNode: 'nodeless',
      namespace: NAMESPACE,
      zones,
      monitors: true,
      provider,
    });
    const theirs = await rendered(...IMAGE, '--set', 'monitors.enabled=true', ...flags);
    // Helm makes the namespace by itself.
    expect(comparable(theirs)).toEqual(comparable(ours.filter(({ kind }) => kind !== 'Namespace')));
  });

  test('has the resources, the registry’s secret, the signer and the annotations of the service account that values say', async () => {
    const role = 'arn:aws:iam::1:role/nodeless';
    const signer = 'beta.eks.amazonaws.com/app-serving';
    const values = [
      `config.kubeletEndpoint.signer=${signer}`,
      'resources.limits.memory=4Gi',
      'imagePullSecrets[0].name=registry',
      `serviceAccount.annotations.eks\\.amazonaws\\.com/role-arn=${role}`,
    ];
    const objects = await rendered(...IMAGE, '--set', values.join(','));
    const one = (wanted: string) => objects.find(({ kind }) => kind === wanted);
    expect(one('ServiceAccount')?.metadata.annotations).toEqual({ 'eks.amazonaws.com/role-arn': role });
    expect(JSON.stringify(one('ClusterRole'))).toContain(`"resourceNames":["${signer}"]`);
    const resources = { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '4Gi' } };
    expect(one('Deployment')).toMatchObject({
      spec: { template: { spec: { imagePullSecrets: [{ name: 'registry' }], containers: [{ resources }] } } },
    });
  });

  test.each([
    [['--set', 'replicaz=3'], 'replicaz'],
    [['--set', 'config.cels.gather=1s'], 'cels'],
    [['--set', 'config.provider=local'], 'local cells can not be launched from a pod'],
    [['--set', 'config.virtualNode.address=10.0.0.1'], 'is the pod'],
    [['--set', 'imagePullSecrets={registry}'], 'imagePullSecrets'],
    [['--set', 'image.repository='], 'image.repository: is required'],
  ])('refuses %j with what is wrong', async (flags, words) => {
    const { exitCode, all } = await helm('template', 'nodeless', CHART, ...IMAGE, ...flags);
    expect([exitCode, all]).toEqual([1, expect.stringContaining(words)]);
  });

  test('makes what is shared once in a cluster, and what is shared in a namespace once there', async () => {
    const all = await rendered(...IMAGE);
    const shared = /^(PriorityClass|CellClass) |^ValidatingAdmissionPolicy(Binding)? .*\/cell-/;
    const second = await rendered(...IMAGE, '--set', 'shared.create=false');
    const names = (objects: readonly KubeObject[]) => Object.keys(comparable(objects));
    expect(names(second)).toEqual(names(all).filter((name) => !shared.test(name)));
    const third = await rendered(...IMAGE, '--set', 'shared.create=false,sharedInNamespace.create=false');
    expect(names(second).filter((name) => !names(third).includes(name))).toEqual([
      'ServiceAccount nodeless-system/nodeless',
      'ValidatingAdmissionPolicy undefined/serving-approval.nodeless-system.nodeless.io',
      'ValidatingAdmissionPolicyBinding undefined/serving-approval.nodeless-system.nodeless.io',
    ]);
  });

  test('is of the version of the program', async () => {
    const chart = parse(await readFile(`${CHART}/Chart.yaml`, 'utf8'));
    expect([chart.version, chart.appVersion]).toEqual([packageJson.version, packageJson.version]);
  });

  test('is installed beside another virtual node, upgraded and taken back by Helm, on a real API server', async () => {
    const flags = [
      'helmed',
      CHART,
      '-n',
      'helmed',
      ...IMAGE,
      '--set',
      'virtualNode.name=helmed',
      '--set',
      'shared.create=false',
    ];
    const aside = ['--set', 'webhooks.enabled=false'];
    // The cluster's provider runs beside it, so that nobody has made what those in it share.
    const provider = { image: 'r/nodeless:v1', replicas: 2, config: { provider: 'simulated' } };
    const priority = (await installObjects({ virtualNode: 'any', namespace: 'any', provider })).find(
      ({ kind }) => kind === 'PriorityClass',
    );
    await apply(priority as KubeObject);
    onTestFinished(async () => {
      await helm('uninstall', 'helmed', '-n', 'helmed');
      await kubectl('delete', 'namespace/helmed', 'priorityclass/nodeless', '--ignore-not-found', '--wait');
    });
    const { exitCode, all } = await helm('install', ...flags, ...aside, '--create-namespace');
    expect([exitCode, all]).toEqual([
      0,
      expect.stringContaining('The provider of the virtual node helmed is installed'),
    ]);
    const deployment = ['get', 'deployment/nodeless-helmed', '-n', 'helmed', '-o', 'jsonpath={.spec.replicas}'];
    expect(await kubectl(...deployment)).toBe('2');
    // Pods are admitted only where their service account and priority class are.
    await eventually('both replicas are admitted', async () => {
      const pods = await kubectl('get', 'pods', '-n', 'helmed', '-o', 'name');
      return pods.split('\n').filter(Boolean).length === 2;
    });
    expect((await helm('upgrade', ...flags, ...aside, '--set', 'replicas=3')).exitCode).toBe(0);
    expect(await kubectl(...deployment)).toBe('3');
    expect((await helm('uninstall', 'helmed', '-n', 'helmed')).exitCode).toBe(0);
    await kubectl('delete', 'namespace', 'helmed', '--wait');
    expect(await kubectl('get', 'clusterroles,clusterrolebindings', '-o', 'name')).not.toContain('helmed');
  });
});
