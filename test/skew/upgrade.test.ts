import { mkdir, readlink, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { obtainPrograms } from '../../src/local-cluster/binaries/obtain.ts';
import { down } from '../../src/local-cluster/down.ts';
import { leftovers } from '../../src/local-cluster/leftovers.ts';
import { signalComponent, waitForEnd } from '../../src/local-cluster/processes/component.ts';
import { PROVIDER, startProvider } from '../../src/local-cluster/provider/provider-process.ts';
import { type LocalCluster, up } from '../../src/local-cluster/up.ts';
import { KUBERNETES_VERSION, PREVIOUS_KUBELET_VERSION } from '../../src/local-cluster/versions.ts';
import { cellProcesses, noMachines } from '../support/cells.ts';
import { toolsOf } from '../support/kubectl.ts';
import { pod } from '../support/objects.ts';
import { identityOf, type Pod } from '../support/pods.ts';
import { eventually } from '../support/wait.ts';

const CLUSTER = 'skew';
const tools = toolsOf(CLUSTER);
const { kubectl, tryKubectl, apply, get, inside } = tools;
const { signal } = new AbortController();
const progress = ({ step, detail }: { step: string; detail: string }) => console.log(`${step}: ${detail}`);

/** A kubelet looks at its volumes about once a minute. */
const VOLUME_TIMEOUT_MS = 150_000;
/** Several status reports (10 s) and a renewal of every lease. */
const QUIET_MS = 15_000;

/** Names of the two kubelets' versions, and their programs. */
const kubelets: Record<'old' | 'new', { readonly version: string; path: string }> = {
  old: { version: PREVIOUS_KUBELET_VERSION, path: '' },
  new: { version: KUBERNETES_VERSION, path: '' },
};

/** Starts the provider as one release of it is configured: with one kubelet for the cells that it launches. */
async function start(cluster: LocalCluster, { version, path }: { version: string; path: string }): Promise<void> {
  const config = {
    cells: { completedLinger: '5s', orphanAfter: '5s', censusEvery: '1s' },
    virtualNode: { kubeletVersion: version },
    local: { kubelet: path },
    logLevel: 'debug',
  };
  await startProvider({ cluster, signal, config });
  const shown = ['get', 'node', 'nodeless', '-o', 'jsonpath={.status.nodeInfo.kubeletVersion}'];
  await eventually('the node shows its version', async () => (await kubectl(...shown)) === version);
}

async function stop(cluster: LocalCluster): Promise<void> {
  await signalComponent(cluster.paths, PROVIDER, 'SIGTERM');
  expect(await waitForEnd(cluster.paths, PROVIDER, 15_000)).toBe(true);
}

/** A pod with what a kubelet does of its own: probe, ConfigMap, Secret, token. */
async function runPod(name: string): Promise<void> {
  const container = {
    env: [{ name: 'WORD', valueFrom: { secretKeyRef: { name: 'word', key: 'word' } } }],
    readinessProbe: { exec: { command: ['test', '-e', '/settings/setting'] }, periodSeconds: 1 },
    volumeMounts: [{ name: 'settings', mountPath: '/settings' }],
  };
  const spec = { volumes: [{ name: 'settings', configMap: { name: 'settings' } }] };
  const command = ['sh', '-c', `echo ${name} begins; trap exit TERM; while true; do sleep 1; done`];
  await apply(pod(name, { command, container, spec }));
  await kubectl('wait', `pod/${name}`, '--for=condition=Ready', '--timeout=90s');
}

async function kubeletOf(podName: string): Promise<{ pid: number; command: string }> {
  const cellId = (await get<Pod>('pod', podName)).metadata.annotations['nodeless.io/cell'] ?? '';
  const found = (await cellProcesses(CLUSTER, cellId)).find(({ command }) => /(^|\/)kubelet --config/.test(command));
  if (found === undefined) throw new Error(`no kubelet runs in ${cellId}`);
  return found;
}

/** The version of the kubelet that runs a pod, as that program itself says. */
async function kubeletVersionOf(podName: string): Promise<string> {
  const { command } = await kubeletOf(podName);
  return (await inside(command.split(' ')[0] ?? '', '--version')).replace('Kubernetes ', '');
}

async function execWorks(name: string): Promise<void> {
  await eventually('exec', async () => (await tryKubectl('exec', name, '--', 'echo', 'alive')).stdout === 'alive');
}

async function worksWholly(cluster: LocalCluster, name: string): Promise<void> {
  await execWorks(name);
  expect(await kubectl('logs', name)).toBe(`${name} begins`);
  expect(await kubectl('exec', name, '--', 'sh', '-c', 'echo $WORD')).toBe('secret');
  const token = await kubectl('exec', name, '--', 'cat', '/var/run/secrets/kubernetes.io/serviceaccount/token');
  const review = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' });
  const url = `${cluster.apiServerUrl}/apis/authentication.k8s.io/v1/selfsubjectreviews`;
  const json = ['-H', 'Content-Type: application/json', '--data', review];
  const answer = await inside('curl', '-sk', '-H', `Authorization: Bearer ${token}`, ...json, url);
  expect(answer).toContain('system:serviceaccount:default:default');
}

async function settingReaches(value: string, ...names: readonly string[]): Promise<void> {
  const patch = JSON.stringify({ data: { setting: value } });
  await kubectl('patch', 'configmap', 'settings', '--type=merge', '-p', patch);
  const read = async (name: string) => (await tryKubectl('exec', name, '--', 'cat', '/settings/setting')).stdout;
  const reached = (name: string) => eventually(name, async () => (await read(name)) === value, VOLUME_TIMEOUT_MS);
  await Promise.all(names.map(reached));
}

describe('a provider that is upgraded with its cells running', () => {
  let cluster: LocalCluster;

  beforeAll(async () => {
    const programs = await obtainPrograms(['kubelet-1.33'], { progress, signal });
    cluster = await up({ name: CLUSTER, replace: true, signal, progress });
    // A cell's kubelet is found by this name.
    kubelets.old.path = join(cluster.paths.stateDir, 'kubelet-1.33', 'kubelet');
    await mkdir(dirname(kubelets.old.path));
    await symlink(programs['kubelet-1.33'], kubelets.old.path);
    kubelets.new.path = join(cluster.binDir, 'kubelet');
    await kubectl('create', 'configmap', 'settings', '--from-literal=setting=first');
    await kubectl('create', 'secret', 'generic', 'word', '--from-literal=word=secret');
    await start(cluster, kubelets.old);
  });

  afterAll(async () => {
    await down({ name: CLUSTER });
    expect(await leftovers({ name: CLUSTER })).toEqual([]);
  });

  test('had cells of the older kubelet, on which everything of a pod works', async () => {
    await runPod('old');
    expect(await kubeletVersionOf('old')).toBe(kubelets.old.version);
    await worksWholly(cluster, 'old');
  });

  test('leaves their pods as they are, and launches new ones with the newer kubelet', async () => {
    const before = await identityOf(tools, 'old');
    const kubelet = await kubeletOf('old');
    await stop(cluster);
    await start(cluster, kubelets.new);
    await execWorks('old');
    await runPod('new');
    expect(await kubeletVersionOf('new')).toBe(kubelets.new.version);
    await delay(QUIET_MS);
    expect(await identityOf(tools, 'old')).toEqual(before);
    expect(await kubeletOf('old')).toEqual(kubelet);
    await worksWholly(cluster, 'old');
    await worksWholly(cluster, 'new');
  });

  test('brings changes of a ConfigMap to pods of both', async () => {
    await settingReaches('second', 'old', 'new');
  });

  test('has an older cell’s kubelet restarted as the older one', async () => {
    const before = await identityOf(tools, 'old');
    const { pid } = await kubeletOf('old');
    const program = await readlink(`/proc/${pid}/exe`);
    process.kill(pid, 'SIGKILL');
    const next = await eventually('another kubelet', async () => {
      const found = await kubeletOf('old');
      return found.pid !== pid && found;
    });
    expect(await readlink(`/proc/${next.pid}/exe`)).toBe(program);
    await execWorks('old');
    expect(await identityOf(tools, 'old')).toEqual(before);
  });

  test('can be rolled back, and leaves the newer cells as they are', async () => {
    const before = await Promise.all(['old', 'new'].map((name) => identityOf(tools, name)));
    await stop(cluster);
    await start(cluster, kubelets.old);
    await execWorks('new');
    await runPod('newest');
    expect(await kubeletVersionOf('newest')).toBe(kubelets.old.version);
    expect(await Promise.all(['old', 'new'].map((name) => identityOf(tools, name)))).toEqual(before);
    await worksWholly(cluster, 'new');
  });

  test('ends cells of both with their pods', async () => {
    await kubectl('delete', 'pods', 'old', 'new', 'newest', '--wait', '--grace-period=1', '--timeout=60s');
    await noMachines(CLUSTER);
  });
});
